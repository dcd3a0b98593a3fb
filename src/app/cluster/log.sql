-- What is otherwise where tables are distributed over the nodes of a cluster (Citus). Run by the owner after each
-- migration there, so all of it can be run again. See docs/scaling.md and docs/adr/0022-clusters.md.
--
-- A row lock on a table that every node has whole stops all tenants, so who writes locks a row of its own tenant's
-- shard in the place of that in `tenants`. On the nodes another role is another session, which does not see what is
-- not committed: what a transaction that records calls has the rights of who calls it. A trigger runs on a node, and
-- may look at what that has of the same tenant; the rows that it is given can't be joined with a table.

-- One row for each tenant, on its node: who writes its log locks it.
create table if not exists roundbook.log_turns (tenant_id int primary key);

-- How long a lock is waited for is a setting of the coordinator's session. It goes to the node with the beginning of
-- the transaction there.
create or replace function roundbook.hold_log(of_tenant int) returns boolean
    language plpgsql set search_path = roundbook, pg_temp as $$
begin
    perform set_config('citus.propagate_set_commands', 'local', true);
    execute format('set local lock_timeout = %L', current_setting('lock_timeout'));
    perform from log_turns where tenant_id = of_tenant for no key update;
    return found;
end
$$;

-- A statement over one table, of one tenant, Citus sends on without planning it. So what an append asks for is asked by
-- such ones: where the last event follows another it is the head, and nothing else has to be looked at.
create or replace function roundbook.log_head(of_tenant int)
    returns table (head bigint, recorded_at timestamptz, number int, log_id bytea)
    language plpgsql stable set search_path = roundbook, pg_temp as $$
#variable_conflict use_column
declare
    its_log record;
    its_end record;
    its_event record;
    last bigint;
    before bigint;
begin
    select l.number, l.log_id into its_log from logs l
     where l.tenant_id = of_tenant order by l.number desc limit 1;
    for its_event in select e.position, e.recorded_at from events e
                      where e.tenant_id = of_tenant and e.position > 0 order by e.position desc limit 2
    loop
        if last is null then
            last := its_event.position;
            its_end := its_event;
        else
            before := its_event.position;
        end if;
    end loop;
    if last = 1 or before = last - 1 then
        return query select last, its_end.recorded_at, its_log.number, its_log.log_id;
        return;
    end if;
    select e.position, e.recorded_at into its_end from events e
     where e.tenant_id = of_tenant and e.position > 0
       and (e.position <= (select r.first_position::numeric + length(r.hashes) / 32 - 1 from leaf_runs r
                            where r.tenant_id = of_tenant and r.log_number = its_log.number
                            order by r.first_position desc limit 1)
            or e.position = 1
            or exists (select from events b where b.tenant_id = of_tenant and b.position = e.position - 1))
     order by e.position desc limit 1;
    return query select coalesce(its_end.position, 0), its_end.recorded_at, its_log.number, its_log.log_id;
end
$$;

create or replace function roundbook.lock_log(of_tenant int)
    returns table (head bigint, recorded_at timestamptz, number int, log_id bytea)
    language plpgsql set search_path = roundbook, pg_temp as $$
begin
    if not hold_log(of_tenant) then
        return;
    end if;
    -- Who keeps histories is another user, and on a node another session: what follows in this transaction would be
    -- refused. Whoever looks for them once a second begins it alone.
    if notice_history() is not null then
        raise exception 'the log is elsewhere than it was, and another history is about to begin: try again soon'
            using errcode = 'cannot_connect_now';
    end if;
    return query
    select h.head, greatest(h.recorded_at, clock_timestamp()), h.number, h.log_id from log_head(of_tenant) h;
end
$$;

create or replace function roundbook.check_appended() returns trigger language plpgsql security definer
    set search_path = roundbook, pg_temp as $$
declare
    appended record;
    before timestamptz;
begin
    select count(*) as events, min(tenant_id) as tenant_id, max(tenant_id) as last_tenant,
           min(position) as first, max(position) as last,
           min(recorded_at) as recorded_at, max(recorded_at) as last_recorded,
           count(state) as states, bool_or(topic = 'PlayerErased') as erases
      into appended from added;
    if appended.events = 0 then
        return null;
    end if;
    perform from log_turns where tenant_id = appended.tenant_id for no key update;
    if not found or appended.last_tenant <> appended.tenant_id
        or appended.last - appended.first + 1 <> appended.events or appended.states <> appended.events
    then
        raise exception 'events are appended at the head of one tenant''s log alone'
            using errcode = 'insufficient_privilege';
    end if;
    select recorded_at into before from events
     where tenant_id = appended.tenant_id and position = appended.first - 1;
    if before is null and appended.first <> 1 then
        raise exception 'events are appended at the head of one tenant''s log alone'
            using errcode = 'insufficient_privilege';
    end if;
    if appended.last_recorded <> appended.recorded_at or appended.recorded_at < before
        or appended.recorded_at is distinct from before
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

create or replace function roundbook.refuse_all_but_removal() returns trigger language plpgsql
    set search_path = roundbook, pg_temp as $$
declare
    its_id int;
    is_one boolean := false;
begin
    for its_id in select distinct tenant_id from gone loop
        is_one := true;
        if not exists (select from removed_tenants where tenant_id = its_id) then
            is_one := false;
            exit;
        end if;
    end loop;
    if not is_one then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

create or replace function roundbook.register_conflict(
    of_tenant int, at bigint, of_key bytea, hash bytea, id text, wire_type text, sent bytea) returns void
    language plpgsql set search_path = roundbook, pg_temp as $$
declare
    its_number bigint;
begin
    perform hold_log(of_tenant);
    if not exists (select from events where tenant_id = of_tenant and position = at and key = of_key)
        or sent is null or octet_length(hash) <> 16
    then
        raise exception 'what is refused contradicts an event that is there'
            using errcode = 'insufficient_privilege';
    end if;
    if exists (select from erased where tenant_id = of_tenant and position = at) then
        return;
    end if;
    select 1 + coalesce(max(number), 0) into its_number from conflicts where tenant_id = of_tenant;
    insert into conflicts
           (tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)
    values (of_tenant, its_number, at, clock_timestamp(), of_key, hash, id, wire_type, sent);
end
$$;

create or replace function roundbook.begin_log(of_tenant int, new_id bytea, follows bytea, why text) returns void
    language plpgsql set search_path = roundbook, pg_temp as $$
declare
    before logs;
begin
    select * into before from logs where tenant_id = of_tenant order by number desc limit 1;
    if octet_length(new_id) <> 16
        or not exists (select from tenants where tenant_id = of_tenant)
        or before.log_id is distinct from follows or (follows is null) <> (why is null)
    then
        raise exception 'a log has an id of its own and follows the tenant''s last one'
            using errcode = 'insufficient_privilege';
    end if;
    insert into logs (tenant_id, number, log_id, created_at, predecessor, note)
    values (of_tenant, coalesce(before.number, 0) + 1, new_id, clock_timestamp(), follows, why);
    insert into log_turns (tenant_id) values (of_tenant) on conflict do nothing;
end
$$;

create or replace function roundbook.record_accesses(
    of_tenant int, key_ids int[], methods text[], paths text[], queries text[], last_event_ids text[])
    returns void language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_last record;
    moment timestamptz;
begin
    if 0 >= any (key_ids) then
        raise exception 'an access is by a key' using errcode = 'insufficient_privilege';
    end if;
    perform pg_advisory_xact_lock(1633903461, of_tenant);
    select number, accessed_at into its_last from accesses
     where tenant_id = of_tenant order by number desc limit 1;
    moment := greatest(its_last.accessed_at, clock_timestamp());
    for place in 1 .. coalesce(cardinality(key_ids), 0) loop
        insert into accesses (tenant_id, number, accessed_at, key_id, method, path, query, last_event_id)
        values (of_tenant, coalesce(its_last.number, 0) + place, moment, key_ids[place], methods[place],
                paths[place], queries[place], last_event_ids[place]);
    end loop;
end
$$;

create or replace function roundbook.begin_history() returns int language plpgsql
    set search_path = roundbook, pg_temp as $$
declare
    its_number int := 1 + coalesce((select max(number) from histories), 0);
    its_tenant int;
    its_head bigint;
begin
    insert into histories (number, history_id, kept_in, begun_at)
    values (its_number, uuid_send(gen_random_uuid()), where_kept(), clock_timestamp());
    if its_number > 1 then
        for its_tenant in select tenant_id from tenants loop
            select h.head into its_head from log_head(its_tenant) h;
            insert into history_heads (tenant_id, number, head) values (its_tenant, its_number, its_head);
        end loop;
    end if;
    return its_number;
end
$$;

-- Read on the node that has the row, when it is locked.
create or replace function roundbook.bucket_clock() returns timestamptz language plpgsql immutable as $$
begin
    return clock_timestamp();
end
$$;

-- The same as elsewhere, but that a random value is made for each row by itself.
create or replace function roundbook.erase(of_tenant int, of_record bigint, positions bigint[], numbers bigint[])
    returns void language plpgsql security definer set search_path = roundbook, pg_temp as $$
declare
    its_number bigint;
    instead bytea;
begin
    insert into erased (tenant_id, position, commitment, record_position)
    select tenant_id, position,
           sha256('\x02'::bytea || case when salt = '' then decode(repeat('00', 16), 'hex') else salt end
                  || state),
           of_record
      from events where tenant_id = of_tenant and position = any(positions);
    update events set state = null, salt = '' where tenant_id = of_tenant and position = any(positions);

    insert into erased_conflicts (tenant_id, number, record_position)
    select tenant_id, number, of_record
      from conflicts where tenant_id = of_tenant and number = any(numbers);
    foreach its_number in array numbers loop
        instead := uuid_send(gen_random_uuid());
        update conflicts set data = null, content_hash = instead
         where tenant_id = of_tenant and number = its_number;
    end loop;
end
$$;

-- A log of which there are hashes is there.
create or replace function roundbook.add_leaf_run(of_tenant int, of_log int, first bigint, run bytea) returns void
    language plpgsql set search_path = roundbook, pg_temp as $$
declare
    last bigint := first + octet_length(run) / 32 - 1;
    found_events bigint;
    its_end bigint;
begin
    select count(*) into found_events from events where tenant_id = of_tenant and position in (first, last);
    select first_position + octet_length(hashes) / 32 - 1 into its_end from leaf_runs
     where tenant_id = of_tenant and log_number = of_log and first_position <= last
     order by first_position desc limit 1;
    if octet_length(run) % 32 <> 0 or last < first or first <= its_end
        or found_events <> (case when first = last then 1 else 2 end)
        or its_end is null and not exists (select from logs where tenant_id = of_tenant and number = of_log)
    then
        raise exception 'leaf hashes are of events that are there and have none, 32 bytes each'
            using errcode = 'insufficient_privilege';
    end if;
    insert into leaf_runs (tenant_id, log_number, first_position, hashes)
    values (of_tenant, of_log, first, run);
end
$$;

revoke all on function roundbook.hold_log(int) from public;

-- For tenants from before it was a cluster.
insert into roundbook.log_turns (tenant_id)
select t.tenant_id from roundbook.tenants t
 where t.tenant_id not in (select l.tenant_id from roundbook.log_turns l);

-- A shard is called as its table, and has a number.
create or replace function roundbook.refuse_closed() returns trigger language plpgsql security definer
    set search_path = roundbook, pg_temp as $$
declare
    its_id int := (select tenant_id from added limit 1);
begin
    if not coalesce((select closed from closings
                      where tenant_id = its_id order by number desc limit 1), false)
    then
        return null;
    end if;
    if tg_table_name ~ '^events(_\d+)?$' then
        if not exists (select from added where topic <> 'PlayerErased') then
            return null;
        end if;
    end if;
    raise exception 'the tenant is closed' using errcode = 'object_not_in_prerequisite_state';
end
$$;
