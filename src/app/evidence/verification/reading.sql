-- name: never_write()!
set session characteristics as transaction read only;

-- name: one_snapshot()!
set transaction isolation level repeatable read;

-- name: last_position(tenant_id)
select coalesce(max(position), 0) from events where tenant_id = :tenant_id;
