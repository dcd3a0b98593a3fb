-- name: grown_logs(first, last, was_open, most)
-- The tenants whose logs grew by what the snapshot of an earlier look did not show. One query over both, so that on a
-- cluster it goes to each shard once.
select tenant_id
  from (select tenant_id from roundbook.leaf_runs where xid >= :first::xid8 and xid < :last::xid8
         union all
        select tenant_id from roundbook.leaf_runs where xid = any(:was_open::xid8[])) as added
 limit :most;

-- name: subscribed_tenants()
select distinct tenant_id from roundbook.subscriptions where paused_at is null;

-- name: due(tenant_ids, kinds, sender)
-- The subscriptions of these tenants that have something to look at, those with the least first; but for those that
-- others send, and those that rest.
select s.tenant_id, t.name as tenant, s.name, s.kind, s.target, s.events, s.created_at
  from roundbook.subscriptions s
  join roundbook.tenants t on t.tenant_id = s.tenant_id
 cross join lateral (select max(position) as head from roundbook.events where tenant_id = s.tenant_id) h
 where s.tenant_id = any(:tenant_ids::int[]) and s.kind = any(:kinds::text[]) and s.paused_at is null
   and h.head > s.position
   and (s.sender is null or s.sender = :sender or s.sender_until < now())
   and (s.not_before is null or s.not_before <= now())
 order by h.head - s.position, s.tenant_id, s.name;

-- name: due_alone(tenant_id, kinds, sender)
-- The same of one tenant: on a cluster it goes to that one's node, whichever others are away.
select s.tenant_id, t.name as tenant, s.name, s.kind, s.target, s.events, s.created_at
  from roundbook.subscriptions s
  join roundbook.tenants t on t.tenant_id = :tenant_id
 cross join (select max(position) as head from roundbook.events where tenant_id = :tenant_id) h
 where s.tenant_id = :tenant_id and s.kind = any(:kinds::text[]) and s.paused_at is null
   and h.head > s.position
   and (s.sender is null or s.sender = :sender or s.sender_until < now())
   and (s.not_before is null or s.not_before <= now())
 order by h.head - s.position, s.name;

-- name: claim(tenant_id, name, created_at, sender, lease_s)^
-- Nothing comes back where another sends, nothing is to be sent, or it was removed and one of its name added. The rows of a tenant that was removed go later.
update roundbook.subscriptions
   set sender = :sender, sender_until = now() + :lease_s * interval '1 second'
 where tenant_id = :tenant_id and name = :name and created_at = :created_at and paused_at is null
   and (sender is null or sender = :sender or sender_until < now())
   and (not_before is null or not_before <= now())
   and exists (select from roundbook.tenants t where t.tenant_id = :tenant_id)
returning position, failures;

-- name: do_not_wait_for_the_disk()
-- Of this transaction alone. Where a crash takes back a position, it is sent from there again, with the same ids.
select set_config('synchronous_commit', 'off', true);

-- name: advance(tenant_id, name, created_at, sender, before, position, delivered, lease_s)^
-- Nothing comes back where it is no longer this process's to send, or was sent elsewhere in the log meanwhile.
update roundbook.subscriptions
   set position = :position, delivered = delivered + :delivered,
       failures = case when :delivered > 0 then 0 else failures end,
       sender_until = now() + :lease_s * interval '1 second'
 where tenant_id = :tenant_id and name = :name and created_at = :created_at and sender = :sender and position = :before and paused_at is null
   and exists (select from roundbook.tenants t where t.tenant_id = :tenant_id)
returning position;

-- name: release(tenant_id, name, created_at, sender)!
update roundbook.subscriptions set sender = null, sender_until = null
 where tenant_id = :tenant_id and name = :name and created_at = :created_at and sender = :sender;

-- name: fail(tenant_id, name, created_at, sender, reason, pause_s)!
update roundbook.subscriptions
   set failures = failures + 1, failed = failed + 1, failure = :reason, failed_at = now(),
       not_before = now() + :pause_s * interval '1 second', sender = null, sender_until = null
 where tenant_id = :tenant_id and name = :name and created_at = :created_at and sender = :sender;

-- name: give_up(tenant_id, name, created_at, sender, reason)!
-- The target wants nothing any more.
update roundbook.subscriptions
   set failures = failures + 1, failed = failed + 1, failure = :reason, failed_at = now(),
       paused_at = now(), pause_reason = :reason, sender = null, sender_until = null
 where tenant_id = :tenant_id and name = :name and created_at = :created_at and sender = :sender;
