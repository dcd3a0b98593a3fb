-- name: status(tenant_id)
-- The log's id (zeros where it has none yet), its head, when its first event and the next one to be shown
-- were recorded, and how far the live generation is, and the one in the making beside it.
select coalesce((select encode(log_id, 'hex') from logs
                  where tenant_id = :tenant_id order by number desc limit 1), repeat('0', 32)) as log_id,
       coalesce((select max(position) from events where tenant_id = :tenant_id), 0) as head,
       (select recorded_at from events where tenant_id = :tenant_id and position = 1) as first_at,
       (select recorded_at from events
         where tenant_id = :tenant_id and position = t.position + 1) as next_at,
       t.position, t.versions, t.failed_position, t.failure, t.failed_at,
       n.position as rebuilt_to, n.failed_position as rebuild_failed_position,
       n.failure as rebuild_failure, n.failed_at as rebuild_failed_at
  from tracking t
  left join lateral (
       select * from tracking
        where tenant_id = :tenant_id and not live and not retired
        order by generation desc limit 1) n on true
 where t.tenant_id = :tenant_id and t.live;

-- name: progress(tenant_ids)
-- How far the live generations of these tenants are and those in the making, when the next event of each was recorded,
-- and where it stands still.
select t.tenant_id, t.live, t.position,
       (select recorded_at from events
         where tenant_id = t.tenant_id and position = t.position + 1) as next_at,
       t.failed_position, t.failure, t.failed_at
  from tracking t
 where t.tenant_id = any(:tenant_ids::int[]) and (t.live or not t.retired)
 order by t.tenant_id, t.generation;

-- name: waiting_since()
-- When the oldest event was recorded, of any tenant, that queries do not show yet.
select min((select recorded_at from events
             where tenant_id = t.tenant_id and position = t.position + 1))
  from tracking t
 where t.live;
