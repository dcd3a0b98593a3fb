-- What the role that serves can't do: it adds to a log at its end, and nothing else. See docs/evidence.md.
-- Its other writes of the write side go through the functions below, which the owner's rights carry. Positions,
-- numbers and times of what they write are theirs, and the clock is the database's, one for all hosts.

-- The wall around `insert into events`: one tenant's, from its head on, at a time that is not before the head's
-- and not made up. Erasures are recorded by the owner alone. That each stream goes on where it ended is not
-- looked at, as that would take a tenth of a large COPY: that no version comes twice says the unique index, and
-- that none is missing `roundbook verify`.
--
-- That the event before is there and is seen, and that a position is taken once, makes positions gapless and in
-- the order of commits, whatever was locked. The clock of a host of the version before may be off a little.
create function check_appended() returns trigger language plpgsql security definer
    set search_path = roundbook, pg_temp as $$
declare
    appended record;
begin
    select a.*, t.tenant_id is not null as is_known, before.recorded_at as before,
           exists (select from events e where e.tenant_id = a.tenant_id and e.topic = 'PlayerErased'
                      and e.position >= a.first) as erases
      into appended
      from (select count(*) as events, min(tenant_id) as tenant_id, max(tenant_id) as last_tenant,
                   min(position) as first, max(position) as last,
                   min(recorded_at) as recorded_at, max(recorded_at) as last_recorded,
                   count(state) as states
              from added) a
      left join lateral (select tenant_id from tenants
                          where tenant_id = a.tenant_id for no key update) t on true
      left join events before on before.tenant_id = a.tenant_id and before.position = a.first - 1;
    if appended.events = 0 then
        return null;
    end if;
    if not appended.is_known or appended.last_tenant <> appended.tenant_id
        or appended.last - appended.first + 1 <> appended.events or appended.states <> appended.events
        or appended.before is null and appended.first <> 1
    then
        raise exception 'events are appended at the head of one tenant''s log alone'
            using errcode = 'insufficient_privilege';
    end if;
    if appended.last_recorded <> appended.recorded_at or appended.recorded_at < appended.before
        or appended.recorded_at is distinct from appended.before
           and appended.recorded_at not between clock_timestamp() - interval '5 minutes'
                                            and clock_timestamp() + interval '5 minutes'
    then
        raise exception 'events are recorded now, at one time, and not before those that are there'
            using errcode = 'insufficient_privilege',
                  hint = format('It is %s here.', clock_timestamp());
    end if;
    if appended.erases and not pg_has_role(session_user, current_user, 'member') then
        raise exception 'erasures are recorded by the owner alone' using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;
create trigger goes_on after insert on events
    referencing new table as added for each statement execute function check_appended();

-- What no event of a lawful writer has and would hold up who reads or goes on after it: a version beyond which
-- there is none, a time that is none, a name that no leaf has room for. What is there was checked by who wrote it.
alter table events
    add constraint version_is_reached check (version between 0 and position) not valid,
    add constraint time_is_one check (isfinite(occurred_at)) not valid,
    add constraint names_have_room check (length(stream) <= 300 and length(topic) <= 100) not valid;

-- Where a log goes on: its head, when that was recorded, and which of the tenant's logs it is. Its head is the
-- greatest position of which the leaf hash is recorded, or that of an event that follows another one: a row
-- that somebody entered anywhere beyond is no part of it. The first entry of the primary key's index, read
-- backwards, unless there are such rows.
create function log_head(of_tenant int)
    returns table (head bigint, recorded_at timestamptz, number int, log_id bytea) language sql stable as $$
    select coalesce(e.position, 0), e.recorded_at, l.number, l.log_id
      from (values (of_tenant)) as t (tenant_id)
      left join lateral (select x.number, x.log_id from roundbook.logs x
                          where x.tenant_id = t.tenant_id order by x.number desc limit 1) l on true
      left join lateral (select x.first_position::numeric + length(x.hashes) / 32 - 1 as position
                           from roundbook.leaf_runs x
                          where x.tenant_id = t.tenant_id and x.log_number = l.number
                          order by x.first_position desc limit 1) r on true
      left join lateral (
           select x.position, x.recorded_at from roundbook.events x
            where x.tenant_id = t.tenant_id and x.position > 0
              and (x.position <= r.position or x.position = 1
                   or (select true from roundbook.events
                        where tenant_id = t.tenant_id and position = x.position - 1))
            order by x.position desc limit 1) e on true
$$;

-- Hold a tenant's log until the transaction ends, and tell where it goes on, and at what time.
-- One writer at a time for each tenant, so that positions are gapless and in the order of commits: who has read
-- position n will find nothing new at or below it. Other tenants are not held up. The row is locked, never
-- updated: an updated row would bloat under any long snapshot. No row comes back for an unknown tenant.
create function lock_log(of_tenant int)
    returns table (head bigint, recorded_at timestamptz, number int, log_id bytea)
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    perform from tenants t where t.tenant_id = of_tenant for no key update;
    if not found then
        return;
    end if;
    -- A statement of its own, so that it sees what was committed while the lock was waited for.
    return query
    select h.head, greatest(h.recorded_at, clock_timestamp()), h.number, h.log_id from log_head(of_tenant) h;
end
$$;

-- Keep the leaf hashes of consecutive events, 32 bytes each: of events that are there and have none.
-- Not under the tenant's lock, which who seals must not hold: nobody else sees the events of an append before
-- it is committed, and who fills a gap holds the claim on sealing.
create function add_leaf_run(of_tenant int, of_log int, first bigint, run bytea) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    last bigint := first + octet_length(run) / 32 - 1;
begin
    if octet_length(run) % 32 <> 0 or last < first
        or not exists (select from logs where tenant_id = of_tenant and number = of_log)
        or not exists (select from events where tenant_id = of_tenant and position = first)
        or not exists (select from events where tenant_id = of_tenant and position = last)
        or first <= (select first_position + octet_length(hashes) / 32 - 1 from leaf_runs
                      where tenant_id = of_tenant and log_number = of_log and first_position <= last
                      order by first_position desc limit 1)
    then
        raise exception 'leaf hashes are of events that are there and have none, 32 bytes each'
            using errcode = 'insufficient_privilege';
    end if;
    insert into leaf_runs (tenant_id, log_number, first_position, hashes)
    values (of_tenant, of_log, first, run);
end
$$;

-- Begin a tenant's first log, or the one that follows its last one, by a note that says so.
create function begin_log(of_tenant int, new_id bytea, follows bytea, why text) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    before logs;
begin
    perform from tenants where tenant_id = of_tenant for no key update;
    select * into before from logs where tenant_id = of_tenant order by number desc limit 1;
    if octet_length(new_id) <> 16 or exists (select from logs where log_id = new_id)
        or not exists (select from tenants where tenant_id = of_tenant)
        or before.log_id is distinct from follows or (follows is null) <> (why is null)
    then
        raise exception 'a log has an id of its own and follows the tenant''s last one'
            using errcode = 'insufficient_privilege';
    end if;
    insert into logs (tenant_id, number, log_id, created_at, predecessor, note)
    values (of_tenant, coalesce(before.number, 0) + 1, new_id, clock_timestamp(), follows, why);
end
$$;

-- Keep what was refused, by the position of the event that is recorded under its key, unless that was erased
-- since it was compared. To be called by who holds the tenant's log.
create function register_conflict(
    of_tenant int, at bigint, of_key bytea, hash bytea, id text, wire_type text, sent bytea) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    perform from tenants where tenant_id = of_tenant for no key update;
    if not exists (select from events where tenant_id = of_tenant and position = at and key = of_key)
        or sent is null or octet_length(hash) <> 16
    then
        raise exception 'what is refused contradicts an event that is there'
            using errcode = 'insufficient_privilege';
    end if;
    insert into conflicts
           (tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)
    select of_tenant,
           1 + coalesce((select max(number) from conflicts where tenant_id = of_tenant), 0),
           at, clock_timestamp(), of_key, hash, id, wire_type, sent
     where not exists (select from erased where tenant_id = of_tenant and position = at);
end
$$;

-- Record accesses after the last one, in the order given, and not before it in time.
-- One at a time for each tenant, so that numbers are gapless and in the order of commits. Not the tenant's row,
-- which is the lock of its log: who reads and who writes must not wait for each other. 1633903461: `acce`.
create function record_accesses(
    of_tenant int, key_ids int[], methods text[], paths text[], queries text[], last_event_ids text[])
    returns void language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    if 0 >= any (key_ids) then
        raise exception 'an access is by a key' using errcode = 'insufficient_privilege';
    end if;
    perform pg_advisory_xact_lock(1633903461, of_tenant);
    insert into accesses (tenant_id, number, accessed_at, key_id, method, path, query, last_event_id)
    select of_tenant, coalesce(l.number, 0) + a.place, greatest(l.accessed_at, c.now), a.key_id, a.method,
           a.path, a.query, a.last_event_id
      from unnest(key_ids, methods, paths, queries, last_event_ids)
           with ordinality as a (key_id, method, path, query, last_event_id, place)
     cross join (select clock_timestamp() as now offset 0) c
      left join lateral (select number, accessed_at from accesses
                          where tenant_id = of_tenant order by number desc limit 1) l on true;
end
$$;

-- The next number is the tenant's id; two at once collide on it, and one of them tries again.
create function add_tenant(its_name text, codes text[]) returns int
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
    select coalesce(max(tenant_id), 0) + 1, its_name, clock_timestamp() from tenants
    returning tenant_id into its_id;
    insert into tenant_currencies (tenant_id, code)
    select distinct its_id, code from unnest(codes) as code;
    return its_id;
end
$$;

-- Gives false for a code that was allowed before.
create function allow_currency(of_tenant int, its_code text) returns boolean
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    if its_code !~ '^[A-Za-z0-9._-]{1,20}$' then
        raise exception 'a currency is letters, digits and ._-' using errcode = 'insufficient_privilege';
    end if;
    insert into tenant_currencies (tenant_id, code) values (of_tenant, its_code) on conflict do nothing;
    return found;
end
$$;

-- Keys are found by their hash, which nobody gets to read.
create function key_of(hash bytea)
    returns table (key_id int, tenant_id int, scopes text[], label text, created_at timestamptz,
                   expires_at timestamptz, revoked_at timestamptz)
    language plpgsql stable security definer set search_path = roundbook, pg_temp as $$
begin
    return query
    select k.key_id, k.tenant_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at
      from api_keys k where k.key_hash = hash;
end
$$;

create function keys_of(of_tenant int)
    returns table (key_id int, scopes text[], label text, created_at timestamptz,
                   expires_at timestamptz, revoked_at timestamptz)
    language plpgsql stable security definer set search_path = roundbook, pg_temp as $$
begin
    return query
    select k.key_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at
      from api_keys k where k.tenant_id = of_tenant order by k.key_id;
end
$$;

-- The next number is the key's id, as with tenants. A key that is there stays whose it is.
create function make_key(hash bytea, of_tenant int, its_scopes text[], its_label text, until timestamptz)
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
    select coalesce(max(k.key_id), 0) + 1, hash, of_tenant, its_scopes, its_label, clock_timestamp(), until
      from api_keys k
    returning key_id into its_id;
    return its_id;
end
$$;

-- Revoke a key for good. Gives when that was done before, null if it is done now, and no row for no such key.
create function revoke_key(its_id int) returns setof timestamptz
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    before timestamptz;
begin
    select revoked_at into before from api_keys where key_id = its_id for update;
    if found then
        update api_keys set revoked_at = clock_timestamp() where key_id = its_id and revoked_at is null;
        return next before;
    end if;
end
$$;

-- Tenants are never renamed or dropped, and of a key nothing changes but that it is revoked, once.
create trigger append_only before update or delete or truncate on tenants
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on tenant_currencies
    for each statement execute function refuse_change();

revoke all on function check_appended(), log_head(int), lock_log(int), add_leaf_run(int, int, bigint, bytea),
    begin_log(int, bytea, bytea, text),
    register_conflict(int, bigint, bytea, bytea, text, text, bytea),
    record_accesses(int, int[], text[], text[], text[], text[]),
    add_tenant(text, text[]), allow_currency(int, text), key_of(bytea), keys_of(int),
    make_key(bytea, int, text[], text, timestamptz), revoke_key(int)
  from public;
