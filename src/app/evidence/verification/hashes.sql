-- name: ends(tenant_id, log_number)
-- Where a log ends in one moment: its last event, and the last leaf hash that is recorded; and how many events
-- there are, as a position may be any number, also one before the first.
select e.head, coalesce(r.last, 0) as recorded, e.events, e.before
  from (select coalesce(max(position), 0) as head, count(*) as events,
               count(*) filter (where position < 1) as before
          from events where tenant_id = :tenant_id) as e
  left join lateral (
       select least(first_position::numeric + length(hashes) / 32 - 1, 9223372036854775807)::bigint as last
         from leaf_runs
        where tenant_id = :tenant_id and log_number = :log_number
        order by first_position desc limit 1) as r on true;

-- name: recorded_hashes(tenant_id, log_number, first, last)
-- The leaf hashes recorded for these positions: where each part of them begins, in order.
select first_position + skipped as first,
       substring(hashes from (skipped * 32 + 1)::int for ((:last - first_position - skipped + 1) * 32)::int)
           as hashes, mod(length(hashes), 32) as rest
  from (select first_position, hashes, greatest(:first::bigint - first_position, 0) as skipped
          from leaf_runs
         where tenant_id = :tenant_id and log_number = :log_number and first_position <= :last::bigint
           and first_position + length(hashes) / 32 > :first::bigint
           and first_position >= coalesce((
               select max(first_position) from leaf_runs
                where tenant_id = :tenant_id and log_number = :log_number
                  and first_position <= :first::bigint), 0)) as runs
 order by first_position;

-- name: stored_hashes(tenant_id, log_number, tree, level, first, last)
-- The hashes of a level of a tree, [first, last): where each part of them begins, in order.
select n + skipped as first,
       substring(hashes from (skipped * 32 + 1)::int for ((:last - n - skipped) * 32)::int) as hashes,
       mod(length(hashes), 32) as rest
  from (select n, hashes, greatest(:first::bigint - n, 0) as skipped
          from tiles
         where tenant_id = :tenant_id and log_number = :log_number and tree = :tree and level = :level
           and n < :last::bigint and n + length(hashes) / 32 > :first::bigint
           and n >= coalesce((
               select max(n) from tiles
                where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
                  and level = :level and n <= :first::bigint), 0)) as rows
 order by n;

-- name: tiles_beyond(tenant_id, log_number)
-- Trees and levels with hashes over leaves that no checkpoint is over.
select trees.tree, last.level
  from (values ('log'), ('heads'), ('accesses')) as trees (tree)
 cross join generate_series(0, 7) as levels (level)
 cross join lateral (
       select level, n::numeric + length(hashes) / 32 as number from tiles t
        where t.tenant_id = :tenant_id and t.log_number = :log_number and t.tree = trees.tree
          and t.level = levels.level
        order by n desc limit 1) as last
 where last.number * 256 ^ last.level::numeric > coalesce((
       select max(size) from checkpoints c
        where c.tenant_id = :tenant_id and c.log_number = :log_number and c.tree = trees.tree), 0)
 order by trees.tree, last.level;

-- name: has_tiles(tenant_id, log_number)
select exists (
       select 1 from tiles where tenant_id = :tenant_id and log_number = :log_number and tree = 'log');

-- name: strays(tenant_id)
-- Hashes that belong to nothing: of no log of the tenant, before the first leaf, of a tree or level that there
-- is not. Of the log's tree those of level 0 are leaf hashes, which have a table of their own.
select greatest(first_position, 1) as position,
       'leaf hashes are recorded from position ' || first_position || ' of log ' || log_number
           || ', where there can be none' as what
  from leaf_runs r
 where tenant_id = :tenant_id
   and (first_position < 1 or not exists (
       select from logs l where l.tenant_id = :tenant_id and l.number = r.log_number))
 union all
select 1, 'there are hashes of level ' || level || ' of the tree of ' || left(tree, 100) || ' of log ' || log_number
           || ', where there can be none'
  from tiles t
 where tenant_id = :tenant_id
   and (n < 0 or level not between case tree when 'log' then 1 else 0 end and 7
        or tree not in ('log', 'heads', 'accesses') or not exists (
       select from logs l where l.tenant_id = :tenant_id and l.number = t.log_number))
 order by 1, 2;
