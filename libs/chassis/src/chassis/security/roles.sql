-- One service's database and its four roles, for psql:
--
--     psql -v service=leads -v migrator=… -v app=… -v relay=… -v report=… -f roles.sql
--
-- Run by a superuser; the four values are the roles' passwords. It may be run again: what exists stays, passwords and
-- rights are set anew. What each role may do with each table follows after every `migrate` (chassis.security.tables).
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY[:'service' || '_migrator', :'service' || '_app', :'service' || '_relay', :'service' || '_report'])
       AS name
 WHERE to_regrole(quote_ident(name)) IS NULL
\gexec

SELECT :'service' || '_migrator' AS migrator_role, :'service' || '_app' AS app_role,
       :'service' || '_relay' AS relay_role, :'service' || '_report' AS report_role
\gset
\set plain 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
ALTER ROLE :"migrator_role" :plain PASSWORD :'migrator';
ALTER ROLE :"app_role" :plain PASSWORD :'app';
ALTER ROLE :"relay_role" :plain PASSWORD :'relay';
ALTER ROLE :"report_role" :plain PASSWORD :'report';

-- A migration waits for a lock as short as possible: everybody queues behind it.
ALTER ROLE :"migrator_role" SET lock_timeout = '10s';
ALTER ROLE :"app_role" SET statement_timeout = '30s';
ALTER ROLE :"app_role" SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE :"relay_role" SET statement_timeout = '30s';
ALTER ROLE :"relay_role" SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE :"report_role" SET default_transaction_read_only = on;
ALTER ROLE :"report_role" SET statement_timeout = '5min';
ALTER ROLE :"report_role" SET idle_in_transaction_session_timeout = '5min';

-- The locale is PostgreSQL's own: the same order on every machine, whatever its C library.
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C'''
              ' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8''', :'service', :'migrator_role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'service')
\gexec
ALTER DATABASE :"service" OWNER TO :"migrator_role";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"app_role", :"relay_role", :"report_role";
-- A replay fills temporary tables beside the live ones.
GRANT TEMPORARY ON DATABASE :"service" TO :"app_role";
-- Nobody needs these two, and everybody may enter them by default.
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;

\connect :"service"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO :"migrator_role";
GRANT USAGE ON SCHEMA public TO :"app_role", :"relay_role", :"report_role";
