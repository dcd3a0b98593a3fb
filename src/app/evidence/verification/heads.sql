-- name: all_statements(tenant_id, log_number)
select n, size, statement from head_statements
 where tenant_id = :tenant_id and log_number = :log_number order by n;
