-- name: create_tenant(name, now)^
-- The next number is the tenant's id; two at once collide on it, and one of them tries again.
insert into tenants (tenant_id, name, created_at)
select coalesce(max(tenant_id), 0) + 1, :name, :now from tenants
returning tenant_id;

-- name: list_tenants()
select t.tenant_id, t.name, t.created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies
  from tenants t order by t.tenant_id;

-- name: find_tenant(name)^
select t.tenant_id, t.name, t.created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies
  from tenants t where t.name = :name;

-- name: allow_currency(tenant_id, code)!
insert into tenant_currencies (tenant_id, code) values (:tenant_id, :code)
on conflict do nothing;

-- name: create_key(key_hash, tenant_id, scopes, label, created_at, expires_at)^
insert into api_keys (key_id, key_hash, tenant_id, scopes, label, created_at, expires_at)
select coalesce(max(key_id), 0) + 1, :key_hash, :tenant_id, :scopes, :label, :created_at, :expires_at
  from api_keys
returning key_id;

-- name: list_keys(tenant_id)
select key_id, scopes, label, created_at, expires_at, revoked_at from api_keys
 where tenant_id = :tenant_id order by key_id;

-- name: revoke_key(key_id, now)^
update api_keys set revoked_at = coalesce(revoked_at, :now) where key_id = :key_id
returning revoked_at;

-- name: find_key(key_hash)^
-- A tenant that was made by a version that knew of no log ids has none before its next event: zeros.
select k.key_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at, t.tenant_id, t.name,
       t.created_at as tenant_created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies,
       coalesce((select log_id from logs l where l.tenant_id = t.tenant_id order by number desc limit 1),
                decode(repeat('00', 16), 'hex')) as log_id
  from api_keys k join tenants t on t.tenant_id = k.tenant_id
 where k.key_hash = :key_hash;
