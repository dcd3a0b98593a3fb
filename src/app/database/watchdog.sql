-- name: end_stalled(application, stalled_s)
-- Ends the service's own sessions whose transaction has waited for its process too long: inside a
-- COPY that does not go on, between two statements, or with an answer that nobody takes. A session
-- that computes, or waits for a lock, waits for nobody's process and is left alone.
select pid, (extract(epoch from clock_timestamp() - state_change))::float8, pg_terminate_backend(pid)
  from pg_stat_activity
 where datname = current_database() and usename = current_user
   and application_name = :application and pid <> pg_backend_pid()
   and xact_start is not null and wait_event_type = 'Client'
   and state_change < clock_timestamp() - make_interval(secs => :stalled_s);
