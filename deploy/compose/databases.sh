#!/bin/bash
# Runs once, when the database server's volume is empty: one database and one role per service. A role reaches its own
# database only; extensions that a service needs are trusted ones, which the owner of a database may create. The locale
# is PostgreSQL's own: the same order on every machine, whatever its C library.
set -euo pipefail
for service in accounts activities dedup identity leads notifications; do
    psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        -v service="$service" -v password="$MERIDIAN_DATABASE_PASSWORD" <<-'SQL'
		CREATE ROLE :"service" LOGIN PASSWORD :'password';
		CREATE DATABASE :"service" OWNER :"service"
		    TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
		REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
	SQL
done
