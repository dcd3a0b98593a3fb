-- name: trees()
-- Each tree of each log that goes on, with its newest checkpoint, where it has one.
select l.tenant_id, l.number, l.log_id, t.tree, c.note
  from logs l
 cross join (values ('log'), ('heads'), ('accesses')) as t (tree)
  left join lateral (
       select note from checkpoints
        where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree
        order by size desc limit 1) c on true
 where l.number = (select max(number) from logs where tenant_id = l.tenant_id);

-- name: waiting(target)
-- The trees whose newest checkpoint an anchor doesn't have, with that, and since when the first one waits.
select l.tenant_id, l.number, l.log_id, t.tree, c.size, c.note,
       (select sealed_at from checkpoints
         where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree and size > a.size
         order by size limit 1) as waiting_since
  from logs l
 cross join (values ('log'), ('heads'), ('accesses')) as t (tree)
 cross join lateral (
       select size, note from checkpoints
        where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree
        order by size desc limit 1) c
 cross join lateral (
       select coalesce(max(size), 0) as size from anchors
        where tenant_id = l.tenant_id and log_number = l.number and tree = t.tree and target = :target) a
 where l.number = (select max(number) from logs where tenant_id = l.tenant_id) and c.size > a.size
 order by waiting_since;

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
