-- name: silent_transactions(application)
-- The service's own sessions whose transaction waits for its process: inside a COPY, between two
-- statements, or with an answer that nobody takes. A session that computes, or waits for a lock, waits
-- for nobody's process. What a COPY has read so far tells whether it goes on. Who coordinates a cluster waits for a
-- node as for a client: outside a COPY a statement there counts as one that computes.
select a.pid, a.xact_start, a.state_change, p.bytes_processed as copied_bytes,
       extract(epoch from clock_timestamp() - a.state_change)::float8 as waited_s
  from pg_stat_activity a
  left join pg_stat_progress_copy p on p.pid = a.pid
 where a.datname = current_database() and a.usename = current_user
   and a.application_name = :application and a.pid <> pg_backend_pid()
   and a.xact_start is not null and a.wait_event_type = 'Client'
   and (current_setting('citus.version', true) is null or a.state <> 'active' or p.pid is not null);

-- name: end_transaction(pid, xact_start, state_change)
-- Ends a session if it is still at the same statement of the same transaction, or after it.
select pg_terminate_backend(pid)
  from pg_stat_activity
 where pid = :pid and xact_start = :xact_start and state_change = :state_change
   and wait_event_type = 'Client';
