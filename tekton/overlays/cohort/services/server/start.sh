#!/bin/sh
# Starts nginx before MLflow and a DVC remote: as any user, with a root file system that is read-only.
#
# TOKEN_FILE has the participant's token, WORKSHOP_USER their name, DVC_FOLDER is the remote's folder. MLFLOW
# (127.0.0.1:5001), LISTEN_MLFLOW (5000), LISTEN_DVC (8081) are addresses, RUN the folder for what nginx writes.
set -eu
umask 077

: "${TOKEN_FILE:?}" "${WORKSHOP_USER:?}" "${DVC_FOLDER:?}"
here=$(cd "$(dirname "$0")" && pwd)
run=${RUN:-/tmp/door}
mlflow=${MLFLOW:-127.0.0.1:5001}
token=$(cat "$TOKEN_FILE")
case $token in
  '' | *[!A-Za-z0-9_-]*) echo "ERROR: $TOKEN_FILE holds no token" >&2; exit 1 ;;
esac

mkdir -p "$run" "$DVC_FOLDER"
cp "$here/nginx.conf" "$run/nginx.conf"
printf '%s:{PLAIN}%s\n' "$WORKSHOP_USER" "$token" > "$run/passwords"
# shellcheck disable=SC2016  # the variables are nginx's
{
  printf 'map $http_authorization $realm { default "MLflow"; "Bearer %s" off; }\n' "$token"
  printf 'upstream mlflow { server %s; keepalive 8; }\n' "$mlflow"
  printf 'map "" $mlflow_host { default "%s"; }\n' "$mlflow"
} > "$run/token.conf"
printf 'listen %s;\n' "${LISTEN_MLFLOW:-5000}" > "$run/listen-mlflow.conf"
printf 'listen %s;\nroot "%s";\n' "${LISTEN_DVC:-8081}" "$DVC_FOLDER" > "$run/listen-dvc.conf"

exec nginx -p "$run/" -c "$run/nginx.conf" -e stderr "$@"
