-- name: checkpoints_between(tenant_id, log_number, tree, after, upto)
select size, root, note from checkpoints
 where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and size > :after and size <= :upto
 order by size;
