-- name: remove_tenant(tenant_id, reason, by)
select roundbook.remove_tenant(:tenant_id, :reason, :by);

-- name: tables_of_tenants()
-- Every table with a column tenant_id is one of tenants, those of later steps too; but for the record.
select c.relname::text
  from pg_class c join pg_attribute a on a.attrelid = c.oid
 where c.relnamespace = 'roundbook'::regnamespace and c.relkind = 'r' and a.attname = 'tenant_id'
   and c.relname not in ('removed_tenants', 'removed_logs')
 order by c.relname;

-- name: tables_to_look_into()
-- Those of them in which a tenant is found by an index.
select c.relname::text
  from pg_class c join pg_attribute a on a.attrelid = c.oid
 where c.relnamespace = 'roundbook'::regnamespace and c.relkind = 'r' and a.attname = 'tenant_id'
   and c.relname not in ('removed_tenants', 'removed_logs')
   and has_table_privilege(c.oid, 'select')
   and exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indpred is null)
 order by c.relname;

-- name: since_revoked_s(tenant_id)
select extract(epoch from clock_timestamp() - max(revoked_at))::float8 as since_s from roundbook.keys_of(:tenant_id);

-- name: list_removed()
select r.tenant_id, r.name, r.created_at, r.last_position, r.reason, r.by, r.removed_at,
       array(select log_id from roundbook.removed_logs l where l.tenant_id = r.tenant_id order by number) as log_ids,
       coalesce((select size from roundbook.removed_logs l where l.tenant_id = r.tenant_id
                  order by number desc limit 1), 0) as sealed
  from roundbook.removed_tenants r order by r.removed_at, r.tenant_id;
