#!/bin/bash
# Runs once, when the database server's volume is empty: one database and one role per service. A role reaches its own
# database only; extensions that a service needs are trusted ones, which the owner of a database may create.
set -euo pipefail
for service in accounts activities dedup identity leads notifications; do
    psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        -v service="$service" -v password="$MERIDIAN_DATABASE_PASSWORD" <<-'SQL'
		CREATE ROLE :"service" LOGIN PASSWORD :'password';
		CREATE DATABASE :"service" OWNER :"service";
		REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
	SQL
done
