-- name: grown_since(since, most)
-- The tenants whose log, or that of who read it, grew by what the snapshot of an earlier look did not show, and
-- that of this one.
select pg_current_snapshot()::text as snapshot,
       array(select tenant_id from leaf_runs
              where xid >= pg_snapshot_xmax(:since::pg_snapshot)
                and xid < pg_snapshot_xmax(pg_current_snapshot()) order by xid limit :most)
    || array(select tenant_id from accesses
              where xid >= pg_snapshot_xmax(:since::pg_snapshot)
                and xid < pg_snapshot_xmax(pg_current_snapshot()) order by xid limit :most)
    || array(select a.tenant_id from pg_snapshot_xip(:since::pg_snapshot) as was_open (xid)
              cross join lateral (
                    select tenant_id from leaf_runs where xid = was_open.xid
                     union all
                    select tenant_id from accesses where xid = was_open.xid offset 0) a
              limit :most) as tenant_ids;

-- name: unsealed(tenant_ids)
-- The logs of these tenants, of all for null, that have grown since they were last sealed, or who read them; no
-- two sealers wait for one.
select l.tenant_id, l.number, l.log_id
  from unnest(coalesce(:tenant_ids::int[], array(select tenant_id from logs where number = 1)))
           as asked (tenant_id)
 cross join lateral (
       select tenant_id, number, log_id from logs
        where tenant_id = asked.tenant_id order by number desc limit 1) l
 where coalesce((select max(position) from events where tenant_id = l.tenant_id), 0)
          > coalesce((select max(size) from checkpoints
                       where tenant_id = l.tenant_id and log_number = l.number and tree = 'log'), 0)
    or coalesce((select max(number) from accesses where tenant_id = l.tenant_id), 0)
          > coalesce((select max(size) from checkpoints
                       where tenant_id = l.tenant_id and log_number = l.number and tree = 'accesses'), 0);

-- name: do_not_wait_for_the_disk()!
-- What is sealed can be sealed again.
set local synchronous_commit = off;

-- name: set_failure(tenant_id, failure, now)!
update sealing set failure = :failure, failed_at = case when :failure::text is null then null else :now end
 where tenant_id = :tenant_id and failure is distinct from :failure;

-- name: failure(tenant_id)
select coalesce(finding, failure) as failure, coalesce(found_at, failed_at) as failed_at from sealing
 where tenant_id = :tenant_id and coalesce(finding, failure) is not null;
