-- Code that knows step 0012 goes on.
-- The scope `operate`: who runs the service sees how all tenants are, and nothing of what is in their logs. Older code
-- has no route for it: to that such a key is one without the scope that is asked for. On a cluster the same stands in
-- cluster/tenants.sql.
create or replace function roundbook.make_key(
    hash bytea, of_tenant int, its_scopes text[], its_label text, until timestamptz)
    returns int language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_id int;
begin
    if octet_length(hash) <> 32 or not its_scopes <@ array['ingest', 'read', 'audit', 'operate']
        or not isfinite(until) or until >= '10000-01-01Z'
    then
        raise exception 'a key has a SHA-256, the scopes ingest, read, audit and operate, and a date if it expires'
            using errcode = 'insufficient_privilege';
    end if;
    insert into api_keys (key_id, key_hash, tenant_id, scopes, label, created_at, expires_at)
    select greatest((select max(key_id) from api_keys), (select max(last_key_id) from removed_tenants), 0) + 1,
           hash, of_tenant, its_scopes, its_label, clock_timestamp(), until
    returning key_id into its_id;
    return its_id;
end
$$;
