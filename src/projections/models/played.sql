-- name: played(tenant_id, positions)
-- The bets and wins at these positions of the log. The lateral join keeps to the primary key even
-- before the first analyze of a new table.
select e.position, e.topic, e.state
  from unnest(:positions::bigint[]) as p (position)
 cross join lateral (
       select position, topic, state from events
        where tenant_id = :tenant_id and position = p.position offset 0) e;
