-- name: events_at(tenant_id, positions)
-- The events at these positions of the log; of one that was erased the time stands for the state. The lateral join keeps to the primary key even before the
-- first analyze of a new table.
select e.position, e.topic, e.stream, e.state
  from unnest(:positions::bigint[]) as p (position)
 cross join lateral (
       select position, topic, stream,
              coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
         from events
        where tenant_id = :tenant_id and position = p.position offset 0) e;

-- name: events_by_key(tenant_id, keys, up_to)
-- The events that the log knows by these keys, up to a position: unique_ids, hashed.
select e.key, e.topic, e.stream, e.state
  from unnest(:keys::bytea[]) as k (key)
 cross join lateral (
       select key, topic, stream, coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
         from events
        where tenant_id = :tenant_id and key = k.key and position <= :up_to offset 0) e;

-- name: positions_by_key(tenant_id, keys)
-- Where the events stand that the log knows by these keys.
select e.key, e.position
  from unnest(:keys::bytea[]) as k (key)
 cross join lateral (
       select key, position from events where tenant_id = :tenant_id and key = k.key offset 0) e;

-- name: begin_snapshot()!
-- The live generation, its position and the rows of a query come from one moment. Not one statement:
-- the planner should know the generation while it chooses an index.
begin isolation level repeatable read read only;
