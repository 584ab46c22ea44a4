#!/bin/bash
# Runs once, when the volume is empty: a role and a database for each service, which sees no other's.
set -euo pipefail
for service in api monitor storage; do
  psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v name="$service" -v password="$(cat "/run/groundup/$service")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
