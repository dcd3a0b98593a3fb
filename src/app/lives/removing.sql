-- name: remove_tenant(tenant_id, reason, by)
select roundbook.remove_tenant(:tenant_id, :reason, :by);

-- name: remove_rows(tenant_id, at_once)
select roundbook.remove_rows(:tenant_id, :at_once);

-- name: list_removed()
select r.tenant_id, r.name, r.created_at, r.last_position, r.reason, r.by, r.removed_at,
       array(select log_id from roundbook.removed_logs l where l.tenant_id = r.tenant_id order by number) as log_ids,
       coalesce((select size from roundbook.removed_logs l where l.tenant_id = r.tenant_id
                  order by number desc limit 1), 0) as sealed
  from roundbook.removed_tenants r order by r.removed_at, r.tenant_id;
