-- name: all_log_ids()
select distinct log_id from logs;

-- name: removed_logs()
select log_id, size from roundbook.removed_logs;
