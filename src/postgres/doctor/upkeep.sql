-- name: slots()
-- What each keeps of the WAL, null where that can't be told.
select slot_name as name, active as is_active, coalesce(wal_status, '') as status,
       case when pg_is_in_recovery() then null
            else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint end as bytes
  from pg_replication_slots order by slot_name;

-- name: transactions()
-- Of sessions that this role may see into. Their age in transactions keeps dead rows from being removed.
select pid, usename::text as role, state,
       extract(epoch from clock_timestamp() - xact_start)::float8 as open_s,
       extract(epoch from clock_timestamp() - state_change)::float8 as in_state_s,
       greatest(age(backend_xid), age(backend_xmin)) as xids
  from pg_stat_activity
 where backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
 order by pid;

-- name: unseen_sessions()^
select count(*) from pg_stat_activity
 where backend_type is null or backend_type = 'client backend' and state is null
       and not pg_has_role(current_user, usesysid, 'usage');

-- name: prepared()
select gid as name, extract(epoch from clock_timestamp() - prepared)::float8 as open_s
  from pg_prepared_xacts order by prepared;

-- name: ages()
-- Of the oldest row of each database, in transactions and in multixacts: beyond two billions nothing is written.
select datname::text as name, greatest(age(datfrozenxid), mxid_age(datminmxid)) as xids
  from pg_database order by xids desc;

-- name: not_vacuumed()
select c.relname::text as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'roundbook' and c.reloptions && array['autovacuum_enabled=false', 'autovacuum_enabled=off']
 order by c.relname;

-- name: is_vacuumed()^
select current_setting('autovacuum') = 'on' as is_vacuumed;
