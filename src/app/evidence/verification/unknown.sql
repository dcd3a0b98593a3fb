-- name: all_log_ids()
select distinct log_id from logs;
