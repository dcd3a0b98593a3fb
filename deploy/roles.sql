-- The roles and the database of Roundbook on a new PostgreSQL: one role owns the schema, the other serves
-- and gets from `roundbook migrate` what it needs. Run once by psql, as the superuser, with OWNER_PASSWORD
-- and SERVICE_PASSWORD in its environment.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD

-- Otherwise the server's log holds the passwords.
set log_statement = 'none';
set log_min_error_statement = 'panic';

begin;
create role roundbook_owner login password :'owner_password';
create role roundbook_service login password :'service_password';
commit;
create database roundbook owner roundbook_owner encoding 'UTF8' template template0;
revoke all on database roundbook from public;
grant connect on database roundbook to roundbook_service;

-- Roundbook has no large objects, and they fill the disk.
\connect roundbook
revoke execute on function lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) from public;
