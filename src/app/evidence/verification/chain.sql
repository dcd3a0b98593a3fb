-- name: all_logs(tenant_id)
select number, log_id, predecessor, note from logs where tenant_id = :tenant_id order by number;
