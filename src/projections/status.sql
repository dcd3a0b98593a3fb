-- name: status(tenant_id)
-- The head of the log, how far the live generation is, and since when its next event waits.
select coalesce((select max(position) from events where tenant_id = :tenant_id), 0),
       t.position,
       (select recorded_at from events
         where tenant_id = :tenant_id and position = t.position + 1)
  from tracking t
 where t.tenant_id = :tenant_id and t.live;
