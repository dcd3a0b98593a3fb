-- Tenants and keys where tables are distributed: the same as elsewhere, in forms that Citus takes (see log.sql).

create or replace function roundbook.add_tenant(its_name text, codes text[]) returns int
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_id int;
    its_code text;
begin
    if its_name !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'
        or exists (select from unnest(codes) as code where code !~ '^[A-Za-z0-9._-]{1,20}$')
    then
        raise exception 'a tenant''s name and its currencies are letters, digits and ._-'
            using errcode = 'insufficient_privilege';
    end if;
    its_id := greatest((select max(tenant_id) from tenants), (select max(tenant_id) from removed_tenants), 0) + 1;
    insert into tenants (tenant_id, name, created_at) values (its_id, its_name, clock_timestamp());
    for its_code in select distinct unnest(codes) loop
        insert into tenant_currencies (tenant_id, code) values (its_id, its_code);
    end loop;
    return its_id;
end
$$;

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
    its_id := greatest((select max(key_id) from api_keys), (select max(last_key_id) from removed_tenants), 0) + 1;
    insert into api_keys (key_id, key_hash, tenant_id, scopes, label, created_at, expires_at)
    values (its_id, hash, of_tenant, its_scopes, its_label, clock_timestamp(), until);
    return its_id;
end
$$;

create or replace function roundbook.note_key_use(its_id int) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_tenant int := (select tenant_id from api_keys where key_id = its_id);
begin
    if its_tenant is not null then
        perform set_config('synchronous_commit', 'off', true);
        insert into key_uses (tenant_id, key_id, last_used_at) values (its_tenant, its_id, clock_timestamp())
        on conflict (tenant_id, key_id) do update set last_used_at = excluded.last_used_at
         where key_uses.last_used_at < roundbook.later(excluded.last_used_at, -60 * 1000 * 1000);
    end if;
end
$$;

-- As elsewhere, but that the clock is read before a row is changed.
create or replace function roundbook.revoke_key(its_id int) returns setof timestamptz
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    before timestamptz;
    moment timestamptz;
begin
    select revoked_at into before from api_keys where key_id = its_id for update;
    if found then
        moment := clock_timestamp();
        update api_keys set revoked_at = moment where key_id = its_id and revoked_at is null;
        return next before;
    end if;
end
$$;

create or replace function roundbook.end_key(its_id int, at timestamptz)
    returns table (tenant text, scopes text[], label text, created_at timestamptz, expires_at timestamptz)
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
#variable_conflict use_column
declare
    moment timestamptz;
begin
    return query
    select t.name, k.scopes, k.label, k.created_at, k.expires_at
      from api_keys k join tenants t on t.tenant_id = k.tenant_id
     where k.key_id = its_id and k.revoked_at is null
       and (k.expires_at is null or k.expires_at > clock_timestamp()) and isfinite(at)
       for update of k;
    if found then
        moment := greatest(at, clock_timestamp());
        update api_keys set expires_at = least(expires_at, moment) where key_id = its_id;
    end if;
end
$$;

-- Whoever removes a tenant waits for who writes its log.
create or replace function roundbook.remove_tenant(of_tenant int, why text, who text) returns void
    language plpgsql set search_path = roundbook, pg_temp as $$
declare
    last_of_events bigint;
    its_log record;
    sealed record;
    its_keys text[];
begin
    perform from sealing where tenant_id = of_tenant for update;
    perform hold_log(of_tenant);
    if not coalesce((select closed from closings
                      where tenant_id = of_tenant order by number desc limit 1), false)
    then
        raise exception 'the tenant is not closed' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if exists (select from (select distinct on (player_id) held from holds
                             where tenant_id = of_tenant order by player_id, number desc) h where held)
    then
        raise exception 'a player of the tenant is on hold' using errcode = 'object_not_in_prerequisite_state';
    end if;
    last_of_events := coalesce((select max(position) from events where tenant_id = of_tenant), 0);
    insert into removed_tenants
           (tenant_id, name, created_at, last_position, last_key_id, reason, by, removed_at)
    select t.tenant_id, t.name, t.created_at, last_of_events,
           coalesce((select max(key_id) from api_keys where tenant_id = of_tenant), 0),
           why, who, clock_timestamp()
      from tenants t where t.tenant_id = of_tenant;
    for its_log in select number, log_id from logs where tenant_id = of_tenant loop
        select size, note into sealed from checkpoints
         where tenant_id = of_tenant and log_number = its_log.number and tree = 'log'
         order by size desc limit 1;
        its_keys := array(select vkey from log_keys
                           where tenant_id = of_tenant and log_number = its_log.number and not revoked
                           order by number);
        insert into removed_logs (tenant_id, number, log_id, vkeys, size, checkpoint)
        values (of_tenant, its_log.number, its_log.log_id, its_keys, coalesce(sealed.size, 0), sealed.note);
    end loop;
    delete from sealing where tenant_id = of_tenant;
    delete from tracking where tenant_id = of_tenant;
    delete from logs where tenant_id = of_tenant;
    delete from rate_limits where tenant_id = of_tenant;
    delete from key_uses where tenant_id = of_tenant;
    delete from log_turns where tenant_id = of_tenant;
    delete from api_keys where tenant_id = of_tenant;
    delete from tenant_currencies where tenant_id = of_tenant;
    delete from tenants where tenant_id = of_tenant;
end
$$;
