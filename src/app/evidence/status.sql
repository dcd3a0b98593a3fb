-- name: said(tenant_id)
select unstated, unstated_at, rebuilt_anyway, rebuilt_anyway_at from sealing where tenant_id = :tenant_id;

-- name: set_rebuilt_anyway(tenant_id, reason, at)!
insert into sealing (tenant_id, rebuilt_anyway, rebuilt_anyway_at) values (:tenant_id, :reason, :at)
on conflict (tenant_id) do update
   set rebuilt_anyway = excluded.rebuilt_anyway, rebuilt_anyway_at = excluded.rebuilt_anyway_at;
