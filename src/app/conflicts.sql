-- name: find_conflicts(tenant_id, key, unique_id, from_position, to_position, at_or_after, before, after, limit, limit_bytes)
-- What was refused beside what is recorded, by number. Of those that no longer fit into limit_bytes the data
-- is left out; the first one always fits. What was erased is null as JSON has it.
select number, unique_id, position, received_at, event, topic,
       case when sum(bytes) over (order by number) - bytes < :limit_bytes then data end as data,
       case when sum(bytes) over (order by number) - bytes < :limit_bytes then state end as state
  from (select c.number, c.unique_id, c.position, c.received_at, c.event, e.topic, e.state,
               coalesce(c.data, 'null') as data,
               coalesce(octet_length(c.data), 0) + octet_length(e.state) as bytes
          from conflicts c
         cross join lateral (
               select topic, coalesce(state, 'null') as state from events
                where tenant_id = :tenant_id and position = c.position offset 0) e
         where c.tenant_id = :tenant_id and c.number > :after
           and (:key::bytea is null or (c.key = :key and c.unique_id = :unique_id::text))
           and (:from_position::bigint is null or c.position >= :from_position)
           and (:to_position::bigint is null or c.position <= :to_position)
           and (:at_or_after::timestamptz is null or c.received_at >= :at_or_after)
           and (:before::timestamptz is null or c.received_at < :before)
         order by c.number limit :limit) as chosen
 order by number;
