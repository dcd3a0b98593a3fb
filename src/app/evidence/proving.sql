-- name: sealed_size(tenant_id)
-- The size of the newest checkpoint of the log that goes on.
select coalesce(max(c.size), 0) from checkpoints c
 where c.tenant_id = :tenant_id and c.tree = 'log'
   and c.log_number = (select max(number) from logs where tenant_id = :tenant_id);

-- name: sealed_log(tenant_id)
-- The log that goes on, and its newest checkpoint; nothing comes back where there is none.
select l.number, l.log_id, c.size, c.root, c.note, c.sealed_at
  from logs l
 cross join lateral (
       select size, root, note, sealed_at from checkpoints
        where tenant_id = :tenant_id and log_number = l.number and tree = 'log'
        order by size desc limit 1) c
 where l.tenant_id = :tenant_id and l.number = (select max(number) from logs where tenant_id = :tenant_id);

-- name: cosignatures(tenant_id, log_number, tree, size)
-- What witnesses gave for a checkpoint. The targets are found one by one: there are few, with many receipts each.
with recursive targets (target) as (
    select min(target) from anchors
     where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
       and target >= 'witness:' and target < 'witness;'
    union all
    select (select min(target) from anchors
             where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
               and target > t.target and target < 'witness;')
      from targets t where t.target is not null)
select a.receipt from targets t
 cross join lateral (
       select receipt from anchors
        where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
          and target = t.target and size = :size offset 0) a
 order by t.target;

-- name: witnessed(tenant_id, log_number, at_least)
-- The greatest size of a log, of at least one, that a witness signed. The targets are found one by one.
with recursive targets (target) as (
    select min(target) from anchors
     where tenant_id = :tenant_id and log_number = :log_number and tree = 'log'
       and target >= 'witness:' and target < 'witness;'
    union all
    select (select min(target) from anchors
             where tenant_id = :tenant_id and log_number = :log_number and tree = 'log'
               and target > t.target and target < 'witness;')
      from targets t where t.target is not null)
select max(a.size) from targets t
 cross join lateral (
       select max(size) as size from anchors
        where tenant_id = :tenant_id and log_number = :log_number and tree = 'log'
          and target = t.target and size >= :at_least offset 0) a;

-- name: time_stamps(tenant_id, log_number, tree, first, last)
-- Of each authority that stamped the tree one time stamp: the earliest of a size between two, else the latest
-- before them.
with recursive targets (target) as (
    select min(target) from anchors
     where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
       and target >= 'tsa:' and target < 'tsa;'
    union all
    select (select min(target) from anchors
             where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
               and target > t.target and target < 'tsa;')
      from targets t where t.target is not null)
select t.target, coalesce(within.size, before.size) as size, coalesce(within.receipt, before.receipt) as receipt
  from targets t
  left join lateral (
       select size, receipt from anchors
        where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
          and target = t.target and size >= :first and size <= :last
        order by size limit 1) within on true
  left join lateral (
       select size, receipt from anchors
        where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
          and target = t.target and size < :first
        order by size desc limit 1) before on true
 where coalesce(within.size, before.size) is not null
 order by t.target;
