-- name: begin_snapshot()!
set transaction isolation level repeatable read, read only;

-- name: wait_long(application_name)
select set_config('application_name', :application_name, true),
       set_config('idle_in_transaction_session_timeout', '0', true);

-- name: export_snapshot()
select pg_export_snapshot();
