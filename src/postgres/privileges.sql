-- name: owns_schema()^
select nspowner = (select oid from pg_roles where rolname = current_user)
  from pg_namespace where nspname = 'roundbook';

-- name: may_change(table)^
-- Whether the service may change a table as itself or as any role it may become (`has_table_privilege`
-- counts only what is inherited). Who owns the schema or the database may drop the table; who may create
-- roles may, before PostgreSQL 16, join any; who runs programs on the server may do anything.
select exists (
       select from pg_roles r
        where pg_has_role(current_user, r.oid, 'member')
          and (r.rolsuper or r.rolcreaterole
               or r.rolname in ('pg_execute_server_program', 'pg_write_server_files')
               or r.oid in (c.relowner, n.nspowner, d.datdba)
               or has_table_privilege(r.oid, c.oid, 'update, delete, truncate, trigger')
               or has_any_column_privilege(r.oid, c.oid, 'update')))
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_database d on d.datname = current_database()
 where n.nspname = 'roundbook' and c.relname = :table;
