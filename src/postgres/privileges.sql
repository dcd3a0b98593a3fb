-- name: owns_schema()^
select nspowner = (select oid from pg_roles where rolname = current_user)
  from pg_namespace where nspname = 'roundbook';

-- name: may_change(table)^
-- Whether the service may change a table as itself or as any role it may become (`has_table_privilege`
-- counts only what is inherited). Who owns the schema or the database may drop the table; who may create
-- roles may, before PostgreSQL 16, join any; who runs programs on the server may do anything. `erase` has its
-- owner's rights.
select exists (
       select from pg_roles r
        where pg_has_role(current_user, r.oid, 'member')
          and (r.rolsuper or r.rolcreaterole
               or r.rolname in ('pg_execute_server_program', 'pg_write_server_files')
               or r.oid in (c.relowner, n.nspowner, d.datdba)
               or has_table_privilege(r.oid, c.oid, 'update, delete, truncate, trigger')
               or has_any_column_privilege(r.oid, c.oid, 'update')
               or exists (select from pg_proc p
                           where p.pronamespace = n.oid and p.proname = 'erase'
                             and has_function_privilege(r.oid, p.oid, 'execute'))))
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_database d on d.datname = current_database()
 where n.nspname = 'roundbook' and c.relname = :table;

-- name: needless(functions_alone, hidden)
-- What the service may do and needs not, each with what takes it away: as itself or as any role it may become.
with roles as (select oid from pg_roles where pg_has_role(current_user, oid, 'member')),
     tables as (select c.oid, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname = 'roundbook')
select 'write roundbook.' || relname || ' without its functions' as may, 'roundbook migrate' as remedy
  from tables
 where relname = any(:functions_alone)
   and exists (select from roles where has_table_privilege(roles.oid, tables.oid, 'insert, update'))
 union all
select 'read the hashes in roundbook.' || relname, 'roundbook migrate' from tables
 where relname = any(:hidden)
   and exists (select from roles where has_any_column_privilege(roles.oid, tables.oid, 'select'))
 union all
select 'make tables in the schema ' || nspname, 'revoke create on schema ' || quote_ident(nspname) || ' from public'
  from pg_namespace n
 where n.nspname !~ '^pg_' and exists (select from roles where has_schema_privilege(roles.oid, n.oid, 'create'))
 union all
select 'make schemas', 'revoke create on database ' || quote_ident(current_database()) || ' from public'
 where exists (select from roles where has_database_privilege(roles.oid, current_database(), 'create'))
 union all
select 'make temporary tables', 'revoke temporary on database ' || quote_ident(current_database()) || ' from public'
 where exists (select from roles where has_database_privilege(roles.oid, current_database(), 'temporary'))
 union all
select 'make large objects', 'revoke execute on function ' || p.oid::regprocedure::text || ' from public'
  from pg_proc p
 where p.pronamespace = 'pg_catalog'::regnamespace and p.proname in ('lo_creat', 'lo_create', 'lo_from_bytea')
   and exists (select from roles where has_function_privilege(roles.oid, p.oid, 'execute'))
 order by may, remedy;

-- name: no_large_objects()!
-- In the database of the session, by its superuser. Roundbook has none, and they fill the disk.
revoke execute on function lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) from public;
