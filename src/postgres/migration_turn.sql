-- name: begin_turn(lock_timeout)
-- Of this transaction alone: it must not make others queue for long.
select set_config('lock_timeout', :lock_timeout, true);

-- name: lock_turn(number)
select pg_advisory_xact_lock(:number);

-- name: try_turn(number)
select pg_try_advisory_xact_lock(:number);

-- name: stay(application_name)
-- It waits as long as a restore takes, and must not be taken for one whose process fell silent.
select set_config('application_name', :application_name, true),
       set_config('idle_in_transaction_session_timeout', '0', true);

-- name: whose_turn(number)
-- What another role's session says of itself is only seen by who may read all statistics: its time is null then.
select a.pid, a.usename as role, a.application_name as application,
       coalesce(a.xact_start, a.backend_start) as since
  from pg_locks l
  join pg_stat_activity a using (pid)
 where l.locktype = 'advisory' and l.granted and l.objsubid = 1
   and l.database = (select oid from pg_database where datname = current_database())
   and l.classid::bigint << 32 | l.objid::bigint = :number
   and l.pid <> pg_backend_pid()
 order by since limit 1;

-- name: oldest_in_the_way()
-- Of the transactions that use the tables, the one that has for the longest.
select a.pid, a.usename as role, a.application_name as application, a.xact_start as since
  from pg_locks l
  join pg_class c on c.oid = l.relation and c.relnamespace = to_regnamespace('roundbook')
  join pg_stat_activity a using (pid)
 where l.locktype = 'relation' and l.granted
   and l.database = (select oid from pg_database where datname = current_database())
   and l.pid <> pg_backend_pid()
 order by since limit 1;
