-- Code that knows step 0012 goes on.
-- What becomes of tenants and keys: a tenant is closed, and removed with a record of it that stays; a currency is
-- taken back; of a key it is known when it was last used, and it ends when another one has taken its place.

-- Of each tenant the last row says whether it is closed: what it has is read, and nothing is added to its log but
-- records of erasures.
create table roundbook.closings (
    tenant_id int not null,
    number    int not null,
    closed    boolean not null,
    reason    text not null,
    by        text not null,
    at        timestamptz not null,
    primary key (tenant_id, number)
);

-- Tenants whose rows are gone, or about to go. last_position: how many events there were. last_key_id: the
-- greatest id that a key had, as none is given twice.
create table roundbook.removed_tenants (
    tenant_id     int primary key,
    name          text collate "C" not null,
    created_at    timestamptz not null,
    last_position bigint not null,
    last_key_id   int not null,
    reason        text not null,
    by            text not null,
    removed_at    timestamptz not null
);
-- Their logs: the public keys, and the newest checkpoint of each as it was signed, null where there was none.
create table roundbook.removed_logs (
    tenant_id  int not null,
    number     int not null,
    log_id     bytea not null unique,
    vkeys      text[] not null,
    size       bigint not null,
    checkpoint text,
    primary key (tenant_id, number)
);

-- When each key was last used: once a minute at most.
create table roundbook.key_uses (
    tenant_id    int not null,
    key_id       int not null,
    last_used_at timestamptz not null,
    primary key (tenant_id, key_id)
) with (fillfactor = 50);

create trigger append_only before update or delete or truncate on roundbook.removed_tenants
    for each statement execute function roundbook.refuse_change();
create trigger append_only before update or delete or truncate on roundbook.removed_logs
    for each statement execute function roundbook.refuse_change();
create trigger append_only before update or truncate on roundbook.closings
    for each statement execute function roundbook.refuse_change();

-- Rows of what is append-only go with their tenant alone, once it is on record that it was removed. This holds
-- for the owner too, as the walls around the log do.
create function roundbook.refuse_all_but_removal() returns trigger language plpgsql
    set search_path = roundbook, pg_temp as $$
begin
    if not exists (select from gone)
        or exists (select from (select distinct tenant_id from gone) g
                    where not exists (select from removed_tenants r where r.tenant_id = g.tenant_id))
    then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

create or replace trigger append_only
    before truncate
        or update of position, occurred_at, recorded_at, tenant_id, version, key, stream, topic on roundbook.events
    for each statement execute function roundbook.refuse_change();
create or replace trigger append_only
    before truncate
        or update of tenant_id, number, position, received_at, key, unique_id, event on roundbook.conflicts
    for each statement execute function roundbook.refuse_change();
do $$
declare
    its_name text;
begin
    foreach its_name in array array[
        'leaf_runs', 'accesses', 'erased', 'erased_conflicts', 'holds', 'logs', 'log_keys', 'tiles', 'checkpoints',
        'anchors', 'head_statements', 'history_heads', 'tenants', 'tenant_currencies']
    loop
        execute format('create or replace trigger append_only before update or truncate on roundbook.%I'
                       ' for each statement execute function roundbook.refuse_change()', its_name);
    end loop;
    -- Currencies are taken back, too.
    foreach its_name in array array[
        'events', 'conflicts', 'leaf_runs', 'accesses', 'erased', 'erased_conflicts', 'holds', 'logs', 'log_keys',
        'tiles', 'checkpoints', 'anchors', 'head_statements', 'history_heads', 'closings', 'tenants']
    loop
        execute format('create trigger goes_with_its_tenant after delete on roundbook.%I'
                       ' referencing old table as gone for each statement'
                       ' execute function roundbook.refuse_all_but_removal()', its_name);
    end loop;
end
$$;

-- What a closed tenant is sent is not recorded, by hosts of whatever version. The tenant's row is locked by then,
-- as it is by who closes it, so after that nothing comes.
create function roundbook.refuse_closed() returns trigger language plpgsql security definer
    set search_path = roundbook, pg_temp as $$
declare
    its_id int := (select tenant_id from added limit 1);
begin
    if not coalesce((select closed from closings
                      where tenant_id = its_id order by number desc limit 1), false)
    then
        return null;
    end if;
    if tg_table_name = 'events' then
        if not exists (select from added where topic <> 'PlayerErased') then
            return null;
        end if;
    end if;
    raise exception 'the tenant is closed' using errcode = 'object_not_in_prerequisite_state';
end
$$;
-- After `goes_on`, as the names are in that order.
create trigger is_open after insert on roundbook.events
    referencing new table as added for each statement execute function roundbook.refuse_closed();
create trigger is_open after insert on roundbook.conflicts
    referencing new table as added for each statement execute function roundbook.refuse_closed();

-- Numbers of tenants and keys that were removed are not given again.
create or replace function roundbook.add_tenant(its_name text, codes text[]) returns int
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_id int;
begin
    if its_name !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'
        or exists (select from unnest(codes) as code where code !~ '^[A-Za-z0-9._-]{1,20}$')
    then
        raise exception 'a tenant''s name and its currencies are letters, digits and ._-'
            using errcode = 'insufficient_privilege';
    end if;
    insert into tenants (tenant_id, name, created_at)
    select greatest((select max(tenant_id) from tenants), (select max(tenant_id) from removed_tenants), 0) + 1,
           its_name, clock_timestamp()
    returning tenant_id into its_id;
    insert into tenant_currencies (tenant_id, code)
    select distinct its_id, code from unnest(codes) as code;
    return its_id;
end
$$;

create or replace function roundbook.make_key(
    hash bytea, of_tenant int, its_scopes text[], its_label text, until timestamptz)
    returns int language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_id int;
begin
    if octet_length(hash) <> 32 or not its_scopes <@ array['ingest', 'read', 'audit']
        or not isfinite(until) or until >= '10000-01-01Z'
    then
        raise exception 'a key has a SHA-256, the scopes ingest, read and audit, and a date if it expires'
            using errcode = 'insufficient_privilege';
    end if;
    insert into api_keys (key_id, key_hash, tenant_id, scopes, label, created_at, expires_at)
    select greatest((select max(key_id) from api_keys), (select max(last_key_id) from removed_tenants), 0) + 1,
           hash, of_tenant, its_scopes, its_label, clock_timestamp(), until
    returning key_id into its_id;
    return its_id;
end
$$;

-- Gives false for a code that was not allowed.
create function roundbook.disallow_currency(of_tenant int, its_code text) returns boolean
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    delete from tenant_currencies where tenant_id = of_tenant and code = its_code;
    return found;
end
$$;

-- Let a valid key end, no later than it would have. Gives what another one in its place is to have, and no row
-- where no key with that id is valid.
create function roundbook.end_key(its_id int, at timestamptz)
    returns table (tenant text, scopes text[], label text, created_at timestamptz, expires_at timestamptz)
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select t.name, k.scopes, k.label, k.created_at, k.expires_at
      from api_keys k join tenants t on t.tenant_id = k.tenant_id
     where k.key_id = its_id and k.revoked_at is null
       and (k.expires_at is null or k.expires_at > clock_timestamp()) and isfinite(at)
       for update of k;
    if found then
        update api_keys set expires_at = least(expires_at, greatest(at, clock_timestamp()))
         where key_id = its_id;
    end if;
end
$$;

-- Note that a key was used. It need not outlast a crash.
create function roundbook.note_key_use(its_id int) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into key_uses (tenant_id, key_id, last_used_at)
    select k.tenant_id, k.key_id, clock_timestamp() from api_keys k where k.key_id = its_id
    on conflict (tenant_id, key_id) do update set last_used_at = excluded.last_used_at
     where key_uses.last_used_at < excluded.last_used_at - interval '1 minute';
end
$$;

-- Begin to remove a closed tenant: keep what is known of it afterwards, and take it away from who serves, projects
-- and seals. Its other rows go some at a time (app/lives/removing.py).
create function roundbook.remove_tenant(of_tenant int, why text, who text) returns void
    language plpgsql set search_path = roundbook, pg_temp as $$
begin
    -- In the order in which others lock them: who seals, who records, who projects.
    perform from sealing where tenant_id = of_tenant for update;
    perform from tenants where tenant_id = of_tenant for update;
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
    insert into removed_tenants
           (tenant_id, name, created_at, last_position, last_key_id, reason, by, removed_at)
    select t.tenant_id, t.name, t.created_at,
           coalesce((select max(position) from events where tenant_id = of_tenant), 0),
           coalesce((select max(key_id) from api_keys where tenant_id = of_tenant), 0),
           why, who, clock_timestamp()
      from tenants t where t.tenant_id = of_tenant;
    insert into removed_logs (tenant_id, number, log_id, vkeys, size, checkpoint)
    select l.tenant_id, l.number, l.log_id,
           array(select k.vkey from log_keys k
                  where k.tenant_id = of_tenant and k.log_number = l.number and not k.revoked order by k.number),
           coalesce(c.size, 0), c.note
      from logs l
      left join lateral (select size, note from checkpoints
                          where tenant_id = of_tenant and log_number = l.number and tree = 'log'
                          order by size desc limit 1) c on true
     where l.tenant_id = of_tenant;
    delete from sealing where tenant_id = of_tenant;
    delete from tracking where tenant_id = of_tenant;
    delete from logs where tenant_id = of_tenant;
    delete from rate_limits where tenant_id = of_tenant;
    delete from key_uses where tenant_id = of_tenant;
    delete from api_keys where tenant_id = of_tenant;
    delete from tenant_currencies where tenant_id = of_tenant;
    delete from tenants where tenant_id = of_tenant;
end
$$;

revoke all on function roundbook.refuse_closed(), roundbook.disallow_currency(int, text),
    roundbook.end_key(int, timestamptz), roundbook.note_key_use(int),
    roundbook.remove_tenant(int, text, text)
  from public;
