# Only the server of the clone gets the login. It stays in the environment: no file has it.
log_in() {
  case "$1" in
    http://* | https://*)
      server=$(printf '%s' "$1" | sed -E 's#^(https?://)([^/@]*@)?([^/]*).*#\1\3#')
      # shellcheck disable=SC2016 # The variables are read when Git asks.
      git config --global "credential.$server.helper" \
        '!f() { printf "username=%s\npassword=%s\n" "${GIT_USERNAME:-}" "${GIT_PASSWORD:-}"; }; f'
      ;;
  esac
}
