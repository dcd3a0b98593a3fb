-- name: sealing_of(tenant_id)
-- Why nothing is signed for a tenant's log, and what an anchor knows that contradicts it.
select failure, finding, found_by from sealing where tenant_id = :tenant_id;
