-- name: end_of_runs(tenant_id, log_number)
-- The last position of which the leaf hash is recorded, 0 where none is.
select coalesce(max(first_position + length(hashes) / 32 - 1), 0)
  from (select first_position, hashes from leaf_runs
         where tenant_id = :tenant_id and log_number = :log_number
         order by first_position desc limit 1) as last;

-- name: tiles_beyond(tenant_id, log_number)
-- Hashes of tiles over leaves that no checkpoint is over.
select t.tree, t.level, t.n
  from (select tree, coalesce(max(size), 0) as size
          from (values ('log'), ('heads'), ('accesses')) as trees (tree)
          left join checkpoints using (tree)
         where tenant_id = :tenant_id and log_number = :log_number group by tree) as sealed
  join tiles t using (tree)
 where t.tenant_id = :tenant_id and t.log_number = :log_number
   and ((t.n + length(t.hashes) / 32) << (8 * t.level)) > sealed.size
 order by t.tree, t.level, t.n limit 1;
