-- name: limits_of(tenant_id, key_id)
-- Those that a key is under: the tenant's, and its own.
select key_id, requests_per_s, items_per_s, bytes_per_s, burst_s from rate_limits
 where tenant_id = :tenant_id and key_id in (0, :key_id) order by key_id;

-- name: list_limits(tenant_id)
select key_id, requests_per_s, items_per_s, bytes_per_s, burst_s from rate_limits
 where tenant_id = :tenant_id order by key_id;

-- name: limits_of_tenants(tenant_ids)
select tenant_id, key_id, requests_per_s, items_per_s, bytes_per_s, burst_s from rate_limits
 where tenant_id = any(:tenant_ids::int[]) order by tenant_id, key_id;

-- name: set_limit(tenant_id, key_id, requests_per_s, items_per_s, bytes_per_s, burst_s)!
insert into rate_limits values (:tenant_id, :key_id, :requests_per_s, :items_per_s, :bytes_per_s, :burst_s)
on conflict (tenant_id, key_id) do update
   set (requests_per_s, items_per_s, bytes_per_s, burst_s) =
       (excluded.requests_per_s, excluded.items_per_s, excluded.bytes_per_s, excluded.burst_s);

-- name: remove_limit(tenant_id, key_id)!
delete from rate_limits where tenant_id = :tenant_id and key_id = :key_id;

-- name: forget_buckets(tenant_id, key_id)!
delete from rate_buckets where tenant_id = :tenant_id and key_id = :key_id;
