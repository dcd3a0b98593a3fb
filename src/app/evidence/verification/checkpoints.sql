-- name: checkpoints_between(tenant_id, log_number, tree, after, upto)
select size, root, note from checkpoints
 where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and size > :after and size <= :upto
 order by size;

-- name: was_sealed_long_ago(tenant_id, log_number)
-- Whether a log has had events that were sealed for so long that anchors should know of it.
select coalesce(min(sealed_at) < now() - interval '1 hour', false) from checkpoints
 where tenant_id = :tenant_id and log_number = :log_number and tree = 'log' and size > 0;
