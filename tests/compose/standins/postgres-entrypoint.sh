#!/bin/bash
# What compose.yaml and testcontainers need of the official image's entrypoint: POSTGRES_USER, _DB, _PASSWORD[_FILE] and /docker-entrypoint-initdb.d.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
  chown postgres "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ "$1" != postgres ] || [ -s "$PGDATA/PG_VERSION" ]; then exec "$@"; fi

user=${POSTGRES_USER:-postgres}
password=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:?a password is needed}")}
initdb -D "$PGDATA" -U "$user" --auth-local=trust --auth-host=scram-sha-256 --pwfile=<(printf '%s\n' "$password") >/dev/null
echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start >/dev/null
export POSTGRES_USER=$user POSTGRES_DB=${POSTGRES_DB:-$user}
[ "$POSTGRES_DB" = postgres ] || createdb -U "$user" "$POSTGRES_DB"
for script in /docker-entrypoint-initdb.d/*.sh; do
  [ ! -e "$script" ] || . "$script"
done
pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
exec "$@"
