#!/bin/bash
# Runs once, when the database server's volume is empty: each service's database and its four roles (roles/roles.sql,
# which `python -m chassis.security roles` prints as well). It may be run again by hand after an upgrade.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
for service in accounts activities dedup identity leads notifications; do
    psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres -v service="$service" \
        -v migrator="$MERIDIAN_MIGRATOR_PASSWORD" -v app="$MERIDIAN_DATABASE_PASSWORD" \
        -v relay="$MERIDIAN_RELAY_PASSWORD" -v report="$MERIDIAN_REPORT_PASSWORD" --file "$here/roles/roles.sql"
done
