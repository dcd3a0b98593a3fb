-- name: current_log(tenant_id)
-- The log of a tenant that goes on.
select number, log_id from logs where tenant_id = :tenant_id order by number desc limit 1;

-- name: leaf_hashes(tenant_id, log_number, first, last)
-- The leaf hashes of these positions, in order, as far as they are there. Only what is asked for is read of a
-- long run: it is stored as it is.
select first_position + skipped as first_position,
       substring(hashes from (skipped * 32 + 1)::int for ((:last - first_position - skipped + 1) * 32)::int)
           as hashes
  from (select first_position, hashes, greatest(:first::bigint - first_position, 0) as skipped
          from leaf_runs
         where tenant_id = :tenant_id and log_number = :log_number and first_position <= :last::bigint
           and first_position >= coalesce((
               select max(first_position) from leaf_runs
                where tenant_id = :tenant_id and log_number = :log_number
                  and first_position <= :first::bigint), 0)) as runs
 order by first_position;

-- name: next_run(tenant_id, log_number, after)
-- Where the next leaf hashes begin after a position, null where there are none.
select min(first_position) from leaf_runs
 where tenant_id = :tenant_id and log_number = :log_number and first_position > :after;

-- name: events_for_leaves(tenant_id, first, last)
-- Of one that was erased the state is null, and what committed to it is kept elsewhere.
select position, recorded_at, version, key, stream, topic, occurred_at, salt, state,
       case when state is null then
           (select commitment from erased e
             where e.tenant_id = :tenant_id and e.position = events.position) end as commitment
  from events where tenant_id = :tenant_id and position >= :first and position <= :last
 order by position;

-- name: recorded_at(tenant_id, position)
select recorded_at from events where tenant_id = :tenant_id and position = :position;
