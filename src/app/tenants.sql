-- name: create_tenant(name, currencies)^
select add_tenant(:name, :currencies::text[]);

-- name: list_tenants()
select t.tenant_id, t.name, t.created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies,
       (select case when closed then at end from roundbook.closings c
         where c.tenant_id = t.tenant_id order by number desc limit 1) as closed_at
  from tenants t order by t.tenant_id;

-- name: find_tenant(name)^
select t.tenant_id, t.name, t.created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies,
       (select case when closed then at end from roundbook.closings c
         where c.tenant_id = t.tenant_id order by number desc limit 1) as closed_at
  from tenants t where t.name = :name;

-- name: is_there(tenant_id)^
select exists (select from roundbook.tenants where tenant_id = :tenant_id);

-- name: allow_currency(tenant_id, code)^
select allow_currency(:tenant_id, :code);

-- name: disallow_currency(tenant_id, code)^
select roundbook.disallow_currency(:tenant_id, :code);

-- name: create_key(key_hash, tenant_id, scopes, label, expires_at)^
select make_key(:key_hash, :tenant_id, :scopes::text[], :label, :expires_at);

-- name: list_keys(tenant_id)
select k.key_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at
  from keys_of(:tenant_id) k order by k.key_id;

-- name: last_uses(tenant_id)
select key_id, last_used_at from roundbook.key_uses where tenant_id = :tenant_id;

-- name: revoke_key(key_id)
-- When that was done before, null if it is done now; nothing comes back for no such key.
select revoke_key(:key_id);

-- name: find_key(key_hash)^
select k.key_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at, t.tenant_id, t.name,
       t.created_at as tenant_created_at,
       array(select code from tenant_currencies c where c.tenant_id = t.tenant_id order by code) as currencies,
       (select case when closed then at end from roundbook.closings c
         where c.tenant_id = t.tenant_id order by number desc limit 1) as closed_at,
       (select case when number > 1 then history_id end
          from roundbook.histories order by number desc limit 1) as history_id
  from key_of(:key_hash) k join tenants t on t.tenant_id = k.tenant_id;

-- name: log_id_of(tenant_id)
-- That of the log that goes on. A tenant that was made by a version that knew of no log ids has none before its
-- next event.
select log_id from logs where tenant_id = :tenant_id order by number desc limit 1;
