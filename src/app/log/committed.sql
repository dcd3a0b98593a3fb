-- name: committed_events(tenant_id, after, until, limit, limit_bytes)
-- Events between two positions, with what their leaves commit to. What no longer fits into limit_bytes is
-- left for the next call; the first one always fits. Of one that was erased the state is null, and what
-- committed to it is kept elsewhere.
select position, recorded_at, version, key, stream, topic, occurred_at, salt, state, commitment
  from (select position, recorded_at, version, key, stream, topic, occurred_at, salt, state, commitment,
               sum(coalesce(octet_length(state), 0)) over (order by position)
                   - coalesce(octet_length(state), 0) as bytes_before
          from (select position, recorded_at, version, key, stream, topic, occurred_at, salt, state,
                       case when state is null then
                           (select commitment from erased e
                             where e.tenant_id = :tenant_id and e.position = events.position)
                       end as commitment
                  from events
                 where tenant_id = :tenant_id and position > :after and position <= :until
                 order by position limit :limit) as chosen) as measured
 where bytes_before < :limit_bytes
 order by position;

-- name: committed_events_of(tenant_id, stream, after_version, until, limit, limit_bytes)
-- The same of one stream, after a version.
select position, recorded_at, version, key, stream, topic, occurred_at, salt, state, commitment
  from (select position, recorded_at, version, key, stream, topic, occurred_at, salt, state, commitment,
               sum(coalesce(octet_length(state), 0)) over (order by version)
                   - coalesce(octet_length(state), 0) as bytes_before
          from (select position, recorded_at, version, key, stream, topic, occurred_at, salt, state,
                       case when state is null then
                           (select commitment from erased e
                             where e.tenant_id = :tenant_id and e.position = events.position)
                       end as commitment
                  from events
                 where tenant_id = :tenant_id and stream = :stream and version > :after_version
                   and position <= :until
                 order by version limit :limit) as chosen) as measured
 where bytes_before < :limit_bytes
 order by version;

-- name: places_of(tenant_id, stream, after_version, until, limit)
select position, version from events
 where tenant_id = :tenant_id and stream = :stream and version > :after_version and position <= :until
 order by version limit :limit;

-- name: erasure_after(tenant_id, stream, after)
-- Where the first record of an erasure of a stream, of any if that is null, stands after a position of the log.
select min(position) from events
 where tenant_id = :tenant_id and topic = 'PlayerErased' and topic not in ('BetPlaced', 'WinPaid')
   and position > :after and (:stream::text is null or stream = :stream);

-- name: leaf_hashes_at(tenant_id, log_number, positions)
-- The leaf hash at each of these positions, empty where it is missing.
select coalesce(substring(r.hashes from ((p.position - r.first_position) * 32 + 1)::int for 32), '') as hash
  from unnest(:positions::bigint[]) with ordinality as p (position, nth)
  left join lateral (
       select first_position, hashes from leaf_runs
        where tenant_id = :tenant_id and log_number = :log_number and first_position <= p.position
        order by first_position desc limit 1) r on true
 order by p.nth;

-- name: leaf_rows(tenant_id, log_number, firsts, lasts)
-- Of each stretch of positions, both included, the leaf hashes, as far as they are there.
select s.nth, t.first_position, t.hashes
  from unnest(:firsts::bigint[], :lasts::bigint[]) with ordinality as s (first, last, nth)
 cross join lateral (
       select first_position + skipped as first_position,
              substring(hashes from (skipped * 32 + 1)::int
                           for ((s.last - first_position - skipped + 1) * 32)::int) as hashes
         from (select first_position, hashes, greatest(s.first - first_position, 0) as skipped
                 from leaf_runs
                where tenant_id = :tenant_id and log_number = :log_number and first_position <= s.last
                  and first_position >= coalesce((
                      select max(first_position) from leaf_runs
                       where tenant_id = :tenant_id and log_number = :log_number
                         and first_position <= s.first), 0)) as found
       offset 0) t
 order by s.nth, t.first_position;
