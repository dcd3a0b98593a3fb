-- name: role()^
select r.rolname::text as name, r.rolsuper as is_superuser, r.rolcreaterole or r.rolcreatedb as may_create,
       r.rolreplication or r.rolbypassrls as may_go_around
  from pg_roles r where r.rolname = current_user;

-- name: tables()
select relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'roundbook' and c.relkind in ('r', 'p') order by relname;

-- name: lacking(tables, rights)
-- What is missing, or is there and may not be done.
select tbl as name, rght as right
  from unnest(:tables::text[], :rights::text[]) as needed (tbl, rght)
 where has_table_privilege(to_regclass('roundbook.' || quote_ident(tbl)), rght) is not true;

-- name: not_callable(functions)
select fn as name from unnest(:functions::text[]) as fn
 where has_function_privilege(to_regprocedure('roundbook.' || fn), 'execute') is not true;
