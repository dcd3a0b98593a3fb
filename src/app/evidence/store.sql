-- name: tile_hashes(tenant_id, log_number, tree, level, first, last)
-- Hashes of a level by their index, `last` not included, as far as they are there.
select n + skipped as first, substring(hashes from (skipped * 32 + 1)::int for ((:last - n - skipped) * 32)::int)
           as hashes
  from (select n, hashes, greatest(:first::bigint - n, 0) as skipped
          from tiles
         where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and level = :level
           and n < :last::bigint
           and n >= coalesce((
               select max(n) from tiles
                where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
                  and level = :level and n <= :first::bigint), 0)) as rows
 order by n;

-- name: add_hashes(tenant_id, log_number, tree, level, n, hashes)!
insert into tiles (tenant_id, log_number, tree, level, n, hashes)
values (:tenant_id, :log_number, :tree, :level, :n, :hashes);

-- name: newest_checkpoint(tenant_id, log_number, tree)
select size, root, note, sealed_at from checkpoints
 where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
 order by size desc limit 1;

-- name: checkpoint_of(tenant_id, log_number, tree, size)
select size, root, note, sealed_at from checkpoints
 where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and size = :size;

-- name: add_checkpoint(tenant_id, log_number, tree, size, root, note, sealed_at)!
insert into checkpoints (tenant_id, log_number, tree, size, root, note, sealed_at)
values (:tenant_id, :log_number, :tree, :size, :root, :note, :sealed_at);

-- name: signed_since(first, last, was_open, most)
-- The tenants of whose trees one was signed that the snapshot of an earlier look did not show.
select tenant_id
  from (select tenant_id from checkpoints where xid >= :first::xid8 and xid < :last::xid8
         union all
        select tenant_id from checkpoints where xid = any(:was_open::xid8[])) as added
 limit :most;

-- name: tenants_with_logs()
select tenant_id from logs where number = 1;
