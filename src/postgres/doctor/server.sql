-- name: settings(names)
-- Of the session, as server, database and role have set it; null for what this version doesn't know.
select name, current_setting(name, true) as value from unnest(:names::text[]) as name;

-- name: connections()^
-- How many there may be of the service's role in this database, -1 for no limit of its own, and how many there
-- are of all roles.
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true), '0')::int as of_server,
       d.datconnlimit as of_database, r.rolconnlimit as of_role,
       (select sum(numbackends) from pg_stat_database)::int as used
  from pg_database d, pg_roles r
 where d.datname = current_database() and r.rolname = current_user;

-- name: extensions()
select extname as name, extversion as version from pg_extension order by extname;

-- name: is_standby()^
select pg_is_in_recovery() as is_standby;

-- name: now()
select clock_timestamp() as now;

-- name: database_bytes()^
select pg_database_size(current_database()) as bytes;
