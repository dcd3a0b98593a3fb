-- name: grown_since(first, last, was_open, most)
-- The tenants whose log, or that of who read it, grew by what the snapshot of an earlier look did not show.
select tenant_id
  from (select tenant_id from leaf_runs where xid >= :first::xid8 and xid < :last::xid8
         union all
        select tenant_id from leaf_runs where xid = any(:was_open::xid8[])
         union all
        select tenant_id from accesses where xid >= :first::xid8 and xid < :last::xid8
         union all
        select tenant_id from accesses where xid = any(:was_open::xid8[])) as added
 limit :most;

-- name: unsealed(tenant_ids)
-- The logs of these tenants that have grown since they were last sealed, or who read them; no
-- two sealers wait for one.
select l.tenant_id, l.number, l.log_id
  from logs l
 where l.tenant_id = any(:tenant_ids::int[])
   and l.number = (select max(number) from logs where tenant_id = l.tenant_id)
   and (coalesce((select max(position) from events where tenant_id = l.tenant_id), 0)
           > coalesce((select max(size) from checkpoints
                        where tenant_id = l.tenant_id and log_number = l.number and tree = 'log'), 0)
        or coalesce((select max(number) from accesses where tenant_id = l.tenant_id), 0)
           > coalesce((select max(size) from checkpoints
                        where tenant_id = l.tenant_id and log_number = l.number and tree = 'accesses'), 0));

-- name: unsealed_alone(tenant_id)
-- The same of one tenant: on a cluster it goes to that one's node, whichever others are away.
select l.tenant_id, l.number, l.log_id
  from logs l
 where l.tenant_id = :tenant_id
   and l.number = (select max(number) from logs where tenant_id = :tenant_id)
   and (coalesce((select max(position) from events where tenant_id = :tenant_id), 0)
           > coalesce((select max(size) from checkpoints
                        where tenant_id = :tenant_id and log_number = l.number and tree = 'log'), 0)
        or coalesce((select max(number) from accesses where tenant_id = :tenant_id), 0)
           > coalesce((select max(size) from checkpoints
                        where tenant_id = :tenant_id and log_number = l.number and tree = 'accesses'), 0));

-- name: do_not_wait_for_the_disk()!
-- What is sealed can be sealed again.
set local synchronous_commit = off;

-- name: set_failure(tenant_id, failure, now)!
update sealing set failure = :failure, failed_at = case when :failure::text is null then null else :now end
 where tenant_id = :tenant_id and failure is distinct from :failure;

-- name: failure(tenant_id)
select coalesce(finding, failure) as failure, coalesce(found_at, failed_at) as failed_at from sealing
 where tenant_id = :tenant_id and coalesce(finding, failure) is not null;
