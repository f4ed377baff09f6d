#!/bin/sh
# Starts nginx for the client page: as any user, with a root file system that is read-only.
#
# MODEL is the model's address, for example http://flight-delay-main.user1-production.svc.cluster.local:8000.
# LISTEN (8080) is a port or an address with one, RUN (/tmp/flight-client) the folder for all files that nginx writes.
# Further arguments are passed to nginx.
set -eu

: "${MODEL:?is the address of the model, http://host:port}"
here=$(cd "$(dirname "$0")" && pwd)
run=${RUN:-/tmp/flight-client}

mkdir -p "$run"
cp "$here/nginx.conf" "$run/nginx.conf"
ln -sfn "$(dirname "$here")/page" "$run/page"

# nginx does not read /etc/resolv.conf; an IPv6 address needs brackets there.
servers=$(awk '$1 == "nameserver" { print ($2 ~ /:/ ? "[" $2 "]" : $2) }' /etc/resolv.conf | tr '\n' ' ')
{
  [ -z "$servers" ] || printf 'resolver %s valid=10s;\n' "$servers"
  # shellcheck disable=SC2016  # $model is nginx's
  printf 'map "" $model { default "%s"; }\n' "$MODEL"
} > "$run/model.conf"
printf 'listen %s;\n' "${LISTEN:-8080}" > "$run/listen.conf"

exec nginx -p "$run/" -c "$run/nginx.conf" -e stderr "$@"
