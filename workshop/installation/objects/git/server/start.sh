#!/bin/sh
# Starts Gitea as any user, with a root file system that is read-only: database, administrator's account, server.
#
# SECRETS is the folder with the keys of the Secret git-server, RUN a writable one.
set -eu
umask 077

secrets=${SECRETS:-/etc/git-server}
run=${RUN:-/tmp/gitea}
admin=mlops-workshop
password=$(cat "$secrets/ADMIN_PASSWORD")

mkdir -p "$run" "$HOME"
# Gitea decodes 43 characters of base64url to 32 bytes; the Secret has 40 of them.
printf '%sAAA' "$(cat "$secrets/JWT_SECRET")" > "$run/jwt-secret"

gitea migrate
if ! gitea admin user list --admin | grep -qw "$admin"; then
  gitea admin user create --admin --username "$admin" --password "$password" --must-change-password=false \
    --email "$admin@mlops-workshop.invalid"
fi
gitea admin user change-password --username "$admin" --password "$password"
unset password

exec gitea web
