url="${PARAM_URL:-${GIT_URL:-}}"
[ -n "$url" ] || { echo "ERROR: no repository; give the run the param url, or the Task a variable GIT_URL" >&2; exit 1; }
[ -z "${GIT_PASSWORD:-}" ] || log_in "$url"
# A folder of its own: the root of a volume may have a lost+found that cannot be removed.
rm -rf repository
git clone --quiet -- "$url" repository
cd repository
# A branch goes before a tag or a commit of the same name.
commit=$(git rev-parse --verify --quiet --end-of-options "origin/$PARAM_REVISION^{commit}") \
  || commit=$(git rev-parse --verify --quiet --end-of-options "$PARAM_REVISION^{commit}") \
  || { echo "ERROR: $url has no revision $PARAM_REVISION; git ls-remote $url lists what it has" >&2; exit 1; }
git checkout --quiet --detach "$commit"
git log -1 --format='---> %h %s (%an, %ar)'
printf '%s' "$commit" > "$RESULT_COMMIT"
cd "$FOLDER"
# Without the variable, the remote is that of .dvc/config.
if [ -n "${DVC_REMOTE_URL:-}" ]; then
  {
    printf '[core]\n    remote = pipeline\n'
    printf '[%s]\n    url = %s\n' "'remote \"pipeline\"'" "$DVC_REMOTE_URL"
    # WebDAV servers take files by PUT; DVC's own default is POST.
    case "$DVC_REMOTE_URL" in http*) printf '    method = PUT\n' ;; esac
  } > "$DVC_ROOT/.dvc/config.local"
fi
# The remote lacks outputs that were never pushed; their stages run again.
python3 -m dvc pull --run-cache --allow-missing -- "$@"
