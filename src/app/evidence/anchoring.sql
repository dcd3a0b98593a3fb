-- name: trees()
-- Each tree of each log that goes on.
select l.tenant_id, l.number, l.log_id, t.tree
  from logs l
 cross join (values ('log'), ('heads'), ('accesses')) as t (tree)
 where l.number = (select max(number) from logs where tenant_id = l.tenant_id);

-- name: waiting(target, tenant_ids)
-- The trees of these tenants whose newest checkpoint an anchor doesn't have, and since when the
-- first one waits.
select w.tenant_id, w.number, w.log_id, w.tree,
       (select sealed_at from checkpoints
         where tenant_id = w.tenant_id and log_number = w.number and tree = w.tree and size > w.anchored
         order by size limit 1) as waiting_since
  from (select l.tenant_id, l.number, l.log_id, t.tree,
               (select max(size) from checkpoints
                 where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree) as sealed,
               coalesce((select max(size) from anchors
                          where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree
                            and target = :target), 0) as anchored
          from logs l
         cross join (values ('log'), ('heads'), ('accesses')) as t (tree)
         where l.tenant_id = any(:tenant_ids::int[])
           and l.number = (select max(number) from logs where tenant_id = l.tenant_id)) as w
 where w.sealed > w.anchored
 order by waiting_since;

-- name: take_turn(turn)
-- For as long as the session lasts: no transaction is held open while an anchor answers.
select pg_try_advisory_lock(hashtextextended(:turn, 1634624372));

-- name: end_turn(turn)
select pg_advisory_unlock(hashtextextended(:turn, 1634624372));

-- name: anchored_size(tenant_id, log_number, tree, target)
select coalesce(max(size), 0) from anchors
 where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and target = :target;

-- name: wait_for_the_disk()
-- Checkpoints are committed without waiting for it. A commit that wrote something waits for all that is before it.
select pg_logical_emit_message(true, 'roundbook', '');

-- name: add_anchor(tenant_id, log_number, tree, target, size, receipt, anchored_at)!
insert into anchors (tenant_id, log_number, tree, target, size, receipt, anchored_at)
values (:tenant_id, :log_number, :tree, :target, :size, :receipt, :anchored_at)
on conflict do nothing;

-- name: set_finding(tenant_id, log_number, finding, target, now)!
-- Of the log that goes on: nothing more is signed for one before.
insert into sealing (tenant_id, finding, found_by, found_at)
select :tenant_id, :finding, :target, :now
 where :log_number = (select max(number) from logs where tenant_id = :tenant_id)
on conflict (tenant_id) do update
   set finding = excluded.finding, found_by = excluded.found_by, found_at = excluded.found_at
 where sealing.finding is null;

-- name: clear_findings(target, contradicted)!
update sealing set finding = null, found_by = null, found_at = null
 where found_by = :target and not tenant_id = any(:contradicted::int[]);
