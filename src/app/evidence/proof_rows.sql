-- name: rows_of_tiles(tenant_id, log_number, tree, levels, firsts, lasts)
-- Of each stretch of hashes of a level, `last` not included, what is stored, as far as it is there. `offset 0`
-- keeps to the index for each stretch, whatever the planner knows of the table.
select s.nth, t.first, t.hashes
  from unnest(:levels::int[], :firsts::bigint[], :lasts::bigint[])
           with ordinality as s (level, first, last, nth)
 cross join lateral (
       select n + skipped as first,
              substring(hashes from (skipped * 32 + 1)::int for ((s.last - n - skipped) * 32)::int) as hashes
         from (select n, hashes, greatest(s.first - n, 0) as skipped
                 from tiles
                where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
                  and level = s.level and n < s.last
                  and n >= coalesce((
                      select max(n) from tiles
                       where tenant_id = :tenant_id and log_number = :log_number and tree = :tree
                         and level = s.level and n <= s.first), 0)) as found
       offset 0) t
 order by s.nth, t.first;
