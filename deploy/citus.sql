-- The roles and the nodes of Roundbook on a new Citus cluster. Run once by psql on the coordinator, as the superuser, in
-- the database `roundbook`, which is on each node with the extension; with WORKERS (`worker1,worker2`),
-- POSTGRES_PASSWORD, OWNER_PASSWORD and SERVICE_PASSWORD in its environment. See docs/scaling.md.
\set ON_ERROR_STOP on
\getenv workers WORKERS
\getenv postgres_password POSTGRES_PASSWORD
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD

-- Otherwise the server's log holds the passwords.
set log_statement = 'none';
set log_min_error_statement = 'panic';

insert into pg_dist_authinfo values (0, 'postgres', 'password=' || :'postgres_password');
select citus_set_coordinator_host('coordinator', 5432);
select citus_add_node(name, 5432) from unnest(string_to_array(:'workers', ',')) as name;

-- On all nodes, as they are made where the nodes are known.
create role roundbook_owner login password :'owner_password';
create role roundbook_service login password :'service_password';
grant create, connect on database roundbook to roundbook_owner;
grant connect on database roundbook to roundbook_service;
revoke temporary on database roundbook from public;
create schema roundbook authorization roundbook_owner;
grant usage on schema roundbook to roundbook_service;

-- By what each node speaks for a role to the others.
select format('insert into pg_dist_authinfo values (0, %L, %L)', role, 'password=' || password) as statement
  from (values ('roundbook_owner', :'owner_password'), ('roundbook_service', :'service_password')) as v (role, password)
\gexec
select run_command_on_workers(
           format('insert into pg_dist_authinfo values (0, %L, %L)', role, 'password=' || password))
  from (values ('postgres', :'postgres_password'), ('roundbook_owner', :'owner_password'),
               ('roundbook_service', :'service_password')) as v (role, password);
