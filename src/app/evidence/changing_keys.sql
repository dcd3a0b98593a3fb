-- name: forget_failure(tenant_id)!
-- Of the log before: another one begins.
update sealing set failure = null, failed_at = null, finding = null, found_by = null, found_at = null,
       unstated = null, unstated_at = null
 where tenant_id = :tenant_id;
