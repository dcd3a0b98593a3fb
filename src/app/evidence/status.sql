-- name: said(tenant_id)
select unstated, unstated_at, rebuilt_anyway, rebuilt_anyway_at from sealing where tenant_id = :tenant_id;

-- name: set_rebuilt_anyway(tenant_id, reason, at)!
insert into sealing (tenant_id, rebuilt_anyway, rebuilt_anyway_at) values (:tenant_id, :reason, :at)
on conflict (tenant_id) do update
   set rebuilt_anyway = excluded.rebuilt_anyway, rebuilt_anyway_at = excluded.rebuilt_anyway_at;

-- name: unsealed_since()
-- When the oldest event was recorded, of any log that goes on, that no checkpoint covers yet.
select min((select recorded_at from events
             where tenant_id = l.tenant_id
               and position = 1 + coalesce((select max(size) from checkpoints
                                             where tenant_id = l.tenant_id and log_number = l.number
                                               and tree = 'log'), 0)))
  from logs l
 where l.number = (select max(number) from logs where tenant_id = l.tenant_id);

-- name: statuses(tenant_ids)
-- Of the logs of these tenants that go on: how much is sealed, since when, and what is wrong with the evidence.
select l.tenant_id, coalesce(c.size, 0) as size, k.sealed_at,
       coalesce(s.finding, s.failure) as failure, coalesce(s.found_at, s.failed_at) as failed_at,
       s.unstated, s.unstated_at, s.rebuilt_anyway, s.rebuilt_anyway_at
  from logs l
 cross join lateral (select max(size) as size from checkpoints
                      where tenant_id = l.tenant_id and log_number = l.number and tree = 'log') c
  left join checkpoints k
    on k.tenant_id = l.tenant_id and k.log_number = l.number and k.tree = 'log' and k.size = c.size
  left join sealing s on s.tenant_id = l.tenant_id
 where l.tenant_id = any(:tenant_ids::int[])
   and l.number = (select max(number) from logs where tenant_id = l.tenant_id);
