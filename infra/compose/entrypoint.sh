#!/bin/sh
# A service's secrets lie in a folder of its own, a file per setting (make_secrets.py); they become its environment.
set -eu
for file in /run/groundup/[A-Z]*; do
  [ ! -f "$file" ] || export "${file##*/}=$(cat "$file")"
done
exec "$@"
