--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: roundbook; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA roundbook;


--
-- Name: add_leaf_run(integer, integer, bigint, bytea); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.add_leaf_run(of_tenant integer, of_log integer, first bigint, run bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: add_tenant(text, text[]); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.add_tenant(its_name text, codes text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: allow_currency(integer, text); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.allow_currency(of_tenant integer, its_code text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $_$
begin
    if its_code !~ '^[A-Za-z0-9._-]{1,20}$' then
        raise exception 'a currency is letters, digits and ._-' using errcode = 'insufficient_privilege';
    end if;
    insert into tenant_currencies (tenant_id, code) values (of_tenant, its_code) on conflict do nothing;
    return found;
end
$_$;


--
-- Name: begin_history(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.begin_history() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    its_number int;
begin
    insert into histories (number, history_id, kept_in, begun_at)
    select coalesce(max(number), 0) + 1, uuid_send(gen_random_uuid()), where_kept(), clock_timestamp()
      from histories
    returning number into its_number;
    if its_number > 1 then
        insert into history_heads (tenant_id, number, head)
        select t.tenant_id, its_number, h.head from tenants t cross join lateral log_head(t.tenant_id) h;
    end if;
    return its_number;
end
$$;


--
-- Name: begin_log(integer, bytea, bytea, text); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.begin_log(of_tenant integer, new_id bytea, follows bytea, why text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: bucket_clock(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.bucket_clock() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$select clock_timestamp()$$;


--
-- Name: check_appended(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.check_appended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: disallow_currency(integer, text); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.disallow_currency(of_tenant integer, its_code text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    delete from tenant_currencies where tenant_id = of_tenant and code = its_code;
    return found;
end
$$;


--
-- Name: end_key(integer, timestamp with time zone); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.end_key(its_id integer, at timestamp with time zone) RETURNS TABLE(tenant text, scopes text[], label text, created_at timestamp with time zone, expires_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: erase(integer, bigint, bigint[], bigint[]); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.erase(of_tenant integer, of_record bigint, positions bigint[], numbers bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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
    update conflicts set data = null, content_hash = uuid_send(gen_random_uuid())
     where tenant_id = of_tenant and number = any(numbers);
end
$$;


--
-- Name: key_of(bytea); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.key_of(hash bytea) RETURNS TABLE(key_id integer, tenant_id integer, scopes text[], label text, created_at timestamp with time zone, expires_at timestamp with time zone, revoked_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    return query
    select k.key_id, k.tenant_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at
      from api_keys k where k.key_hash = hash;
end
$$;


--
-- Name: keys_of(integer); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.keys_of(of_tenant integer) RETURNS TABLE(key_id integer, scopes text[], label text, created_at timestamp with time zone, expires_at timestamp with time zone, revoked_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    return query
    select k.key_id, k.scopes, k.label, k.created_at, k.expires_at, k.revoked_at
      from api_keys k where k.tenant_id = of_tenant order by k.key_id;
end
$$;


--
-- Name: later(timestamp with time zone, bigint); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.later(moment timestamp with time zone, micros bigint) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
begin
    return moment + micros * interval '1 microsecond';
end
$$;


--
-- Name: lock_log(integer); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.lock_log(of_tenant integer) RETURNS TABLE(head bigint, recorded_at timestamp with time zone, number integer, log_id bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    perform from tenants t where t.tenant_id = of_tenant for no key update;
    if not found then
        return;
    end if;
    perform notice_history();
    -- A statement of its own, so that it sees what was committed while the lock was waited for.
    return query
    select h.head, greatest(h.recorded_at, clock_timestamp()), h.number, h.log_id from log_head(of_tenant) h;
end
$$;


--
-- Name: log_head(integer); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.log_head(of_tenant integer) RETURNS TABLE(head bigint, recorded_at timestamp with time zone, number integer, log_id bytea)
    LANGUAGE sql STABLE
    AS $$
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


--
-- Name: make_key(bytea, integer, text[], text, timestamp with time zone); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.make_key(hash bytea, of_tenant integer, its_scopes text[], its_label text, until timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: note_key_use(integer); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.note_key_use(its_id integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into key_uses (tenant_id, key_id, last_used_at)
    select k.tenant_id, k.key_id, clock_timestamp() from api_keys k where k.key_id = its_id
    on conflict (tenant_id, key_id) do update set last_used_at = excluded.last_used_at
     where key_uses.last_used_at < excluded.last_used_at - interval '1 minute';
end
$$;


--
-- Name: notice_history(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.notice_history() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    its_number int;
begin
    if pg_is_in_recovery()
        or where_kept() = (select kept_in from histories order by number desc limit 1)
    then
        return null;
    end if;
    lock table histories in share row exclusive mode;
    if where_kept() = (select kept_in from histories order by number desc limit 1) then
        return null;
    end if;
    its_number := begin_history();
    return nullif(its_number, 1);
end
$$;


--
-- Name: record_accesses(integer, integer[], text[], text[], text[], text[]); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.record_accesses(of_tenant integer, key_ids integer[], methods text[], paths text[], queries text[], last_event_ids text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: refuse_all_but_erasure(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_all_but_erasure() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    bare events := old;
    committed bytea := sha256('\x02'::bytea || case when old.salt = '' then decode(repeat('00', 16), 'hex')
                                                    else old.salt end || old.state);
begin
    bare.state := null;
    bare.salt := '';
    if new is distinct from bare or not exists (
        select from erased e join events r on r.tenant_id = e.tenant_id and r.position = e.record_position
         where e.tenant_id = old.tenant_id and e.position = old.position and e.commitment = committed
           and r.topic = 'PlayerErased' and r.stream = old.stream)
    then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;


--
-- Name: refuse_all_but_erasure_of_conflicts(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_all_but_erasure_of_conflicts() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    bare conflicts := old;
begin
    bare.data := null;
    bare.content_hash := new.content_hash;
    if new is distinct from bare or old.data is null or not exists (
        select from erased_conflicts e join events r
            on r.tenant_id = e.tenant_id and r.position = e.record_position
         where e.tenant_id = old.tenant_id and e.number = old.number and r.topic = 'PlayerErased')
    then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;


--
-- Name: refuse_all_but_removal(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_all_but_removal() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: refuse_change(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege';
end
$$;


--
-- Name: refuse_closed(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_closed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: register_conflict(integer, bigint, bytea, bytea, text, text, bytea); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.register_conflict(of_tenant integer, at bigint, of_key bytea, hash bytea, id text, wire_type text, sent bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: remove_tenant(integer, text, text); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.remove_tenant(of_tenant integer, why text, who text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: revoke_key(integer); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.revoke_key(its_id integer) RETURNS SETOF timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
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


--
-- Name: where_kept(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.where_kept() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    server text := '';
begin
    begin
        select c.system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
          into server from pg_control_system() c;
    exception
        when insufficient_privilege or undefined_function or feature_not_supported
            or object_not_in_prerequisite_state then null;
    end;
    return format('%s/%s/%s', server, (select oid from pg_database where datname = current_database()),
                  'roundbook.events'::regclass::oid);
end
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: accesses; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.accesses (
    number bigint NOT NULL,
    accessed_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    key_id integer NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    query text NOT NULL,
    last_event_id text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id(),
    CONSTRAINT accesses_check CHECK ((GREATEST(octet_length(method), octet_length(path), octet_length(query), octet_length(last_event_id)) < 65536))
);


--
-- Name: activity; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.activity (
    day date NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    game_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    rounds bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL,
    rolled_back_bet_real numeric,
    rolled_back_bet_bonus numeric,
    rolled_back_win_real numeric,
    rolled_back_win_bonus numeric,
    rolled_back_bets bigint,
    rolled_back_wins bigint
)
WITH (fillfactor='70');
ALTER TABLE ONLY roundbook.activity ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: anchors; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.anchors (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL,
    size bigint NOT NULL,
    receipt bytea NOT NULL,
    anchored_at timestamp with time zone NOT NULL
);


--
-- Name: api_keys; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.api_keys (
    key_id integer NOT NULL,
    key_hash bytea NOT NULL,
    tenant_id integer NOT NULL,
    scopes text[] NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);


--
-- Name: balance_periods; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.balance_periods (
    period timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    is_day boolean NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    deposited numeric NOT NULL,
    withdrawn numeric NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL,
    deposited_eur numeric NOT NULL,
    deposits bigint NOT NULL,
    withdrawals bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL,
    positions bigint[] NOT NULL,
    rolled_back_bet_real numeric,
    rolled_back_bet_bonus numeric,
    rolled_back_win_real numeric,
    rolled_back_win_bonus numeric,
    rolled_back_bets bigint,
    rolled_back_wins bigint,
    last_position bigint
)
WITH (fillfactor='70');
ALTER TABLE ONLY roundbook.balance_periods ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: balances; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.balances (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    deposited numeric NOT NULL,
    withdrawn numeric NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL,
    deposited_eur numeric NOT NULL,
    deposits bigint NOT NULL,
    withdrawals bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL,
    rolled_back_bet_real numeric,
    rolled_back_bet_bonus numeric,
    rolled_back_win_real numeric,
    rolled_back_win_bonus numeric,
    rolled_back_bets bigint,
    rolled_back_wins bigint
)
WITH (fillfactor='50');
ALTER TABLE ONLY roundbook.balances ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: checkpoints; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.checkpoints (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id()
);


--
-- Name: closings; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.closings (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    closed boolean NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL
);


--
-- Name: conflicts; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.conflicts (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    "position" bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    key bytea NOT NULL,
    content_hash bytea NOT NULL,
    unique_id text NOT NULL,
    event text NOT NULL,
    data bytea
);


--
-- Name: day_rules; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.day_rules (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    time_zone text NOT NULL COLLATE pg_catalog."C",
    starts_at_minute integer NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT day_rules_starts_at_minute_check CHECK (((starts_at_minute >= 0) AND (starts_at_minute <= 1439)))
);


--
-- Name: erased; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.erased (
    tenant_id integer NOT NULL,
    "position" bigint NOT NULL,
    commitment bytea NOT NULL,
    record_position bigint NOT NULL
);


--
-- Name: erased_conflicts; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.erased_conflicts (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    record_position bigint NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.events (
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    version integer NOT NULL,
    key bytea,
    stream text NOT NULL COLLATE pg_catalog."C",
    topic text NOT NULL COLLATE pg_catalog."C",
    state bytea,
    salt bytea DEFAULT '\x'::bytea NOT NULL
);


--
-- Name: games; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.games (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    game_id text NOT NULL COLLATE pg_catalog."C",
    name text,
    name_folded text COLLATE pg_catalog."C",
    provider text COLLATE pg_catalog."C",
    device text COLLATE pg_catalog."C",
    has_freespins text COLLATE pg_catalog."C",
    categories text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    features text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    themes text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    theoretical_rtp numeric,
    volatility numeric
)
WITH (fillfactor='50');
ALTER TABLE ONLY roundbook.games ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: head_pages; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_pages (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    page bigint NOT NULL,
    first_stream text NOT NULL COLLATE pg_catalog."C",
    entries bytea NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.head_pages ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: head_statements; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_statements (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    size bigint NOT NULL,
    statement bytea NOT NULL,
    made_at timestamp with time zone NOT NULL
);


--
-- Name: head_tiles; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_tiles (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    level smallint NOT NULL,
    tile bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.head_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: histories; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.histories (
    number integer NOT NULL,
    history_id bytea NOT NULL,
    kept_in text NOT NULL,
    begun_at timestamp with time zone NOT NULL
);


--
-- Name: history_heads; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.history_heads (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    head bigint NOT NULL
);


--
-- Name: holds; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.holds (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    held boolean NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL
);


--
-- Name: key_uses; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.key_uses (
    tenant_id integer NOT NULL,
    key_id integer NOT NULL,
    last_used_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: leaf_runs; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.leaf_runs (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    first_position bigint NOT NULL,
    hashes bytea NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id()
);
ALTER TABLE ONLY roundbook.leaf_runs ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: log_keys; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.log_keys (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    number integer NOT NULL,
    vkey text NOT NULL,
    from_size bigint NOT NULL,
    note text,
    revoked boolean DEFAULT false NOT NULL,
    added_at timestamp with time zone NOT NULL
);


--
-- Name: logs; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.logs (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    log_id bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    predecessor bytea,
    note text
);


--
-- Name: migrations; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    compatible_since integer
);


--
-- Name: players; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.players (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    logins bigint NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    last_login timestamp with time zone,
    registration_date timestamp with time zone,
    consent_email boolean,
    is_blocked boolean,
    player_id text NOT NULL COLLATE pg_catalog."C",
    username text,
    country text COLLATE pg_catalog."C",
    currency text COLLATE pg_catalog."C",
    gender text COLLATE pg_catalog."C",
    affiliate text COLLATE pg_catalog."C",
    operator text COLLATE pg_catalog."C",
    tags text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    tags_cut text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    username_folded text COLLATE pg_catalog."C"
)
WITH (fillfactor='50');


--
-- Name: rate_buckets; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE UNLOGGED TABLE roundbook.rate_buckets (
    tenant_id integer NOT NULL,
    key_id integer NOT NULL,
    what text NOT NULL COLLATE pg_catalog."C",
    full_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: rate_limits; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.rate_limits (
    tenant_id integer NOT NULL,
    key_id integer NOT NULL,
    requests_per_s bigint,
    items_per_s bigint,
    bytes_per_s bigint,
    burst_s integer NOT NULL,
    CONSTRAINT rate_limits_burst_s_check CHECK ((burst_s > 0)),
    CONSTRAINT rate_limits_bytes_per_s_check CHECK ((bytes_per_s > 0)),
    CONSTRAINT rate_limits_items_per_s_check CHECK ((items_per_s > 0)),
    CONSTRAINT rate_limits_requests_per_s_check CHECK ((requests_per_s > 0))
);


--
-- Name: refused_items; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.refused_items (
    tenant_id integer NOT NULL,
    content_hash bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    times bigint NOT NULL,
    dialect text NOT NULL,
    unique_id text COLLATE pg_catalog."C",
    event text COLLATE pg_catalog."C",
    player_ids text[] NOT NULL COLLATE pg_catalog."C",
    data bytea,
    faults bytea NOT NULL
);


--
-- Name: removed_logs; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.removed_logs (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    log_id bytea NOT NULL,
    vkeys text[] NOT NULL,
    size bigint NOT NULL,
    checkpoint text
);


--
-- Name: removed_tenants; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.removed_tenants (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    last_position bigint NOT NULL,
    last_key_id integer NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    removed_at timestamp with time zone NOT NULL
);


--
-- Name: rollbacks; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.rollbacks (
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    is_win boolean NOT NULL,
    is_bonus boolean NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    unique_id text NOT NULL COLLATE pg_catalog."C",
    player_id text NOT NULL COLLATE pg_catalog."C",
    game_id text NOT NULL COLLATE pg_catalog."C",
    round_id text NOT NULL COLLATE pg_catalog."C",
    amount numeric NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    reference text COLLATE pg_catalog."C",
    reason text,
    bonus_amount numeric
);
ALTER TABLE ONLY roundbook.rollbacks ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: rounds; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.rounds (
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    bet_count integer NOT NULL,
    win_count integer NOT NULL,
    key bytea NOT NULL,
    mixed_currency boolean NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    player_id text NOT NULL COLLATE pg_catalog."C",
    game_id text NOT NULL COLLATE pg_catalog."C",
    round_id text NOT NULL COLLATE pg_catalog."C",
    sums text NOT NULL,
    positions bigint[] NOT NULL,
    ended_at timestamp with time zone
);
ALTER TABLE ONLY roundbook.rounds ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: sealing; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.sealing (
    tenant_id integer NOT NULL,
    failure text,
    failed_at timestamp with time zone,
    finding text,
    found_by text,
    found_at timestamp with time zone,
    unstated text,
    unstated_at timestamp with time zone,
    rebuilt_anyway text,
    rebuilt_anyway_at timestamp with time zone
);


--
-- Name: snapshots; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.snapshots (
    tenant_id integer NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL
);


--
-- Name: subscriptions; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.subscriptions (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL,
    events text[] COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    paused_at timestamp with time zone,
    pause_reason text,
    sender text COLLATE pg_catalog."C",
    sender_until timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failure text,
    failed_at timestamp with time zone,
    not_before timestamp with time zone,
    delivered bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');


--
-- Name: tenant_currencies; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tenant_currencies (
    tenant_id integer NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: tenants; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tenants (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL
);


--
-- Name: tiles; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tiles (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    level smallint NOT NULL,
    n bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: tracking; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tracking (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    "position" bigint NOT NULL,
    failed_position bigint,
    updated_at timestamp with time zone NOT NULL,
    failed_at timestamp with time zone,
    live boolean NOT NULL,
    retired boolean DEFAULT false NOT NULL,
    versions jsonb DEFAULT '{}'::jsonb NOT NULL,
    failure text
);


--
-- Name: transactions; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.transactions (
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    unique_id text NOT NULL COLLATE pg_catalog."C",
    player_id text NOT NULL COLLATE pg_catalog."C",
    amount numeric NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    method text NOT NULL COLLATE pg_catalog."C",
    amount_eur numeric
);
ALTER TABLE ONLY roundbook.transactions ALTER COLUMN generation SET STATISTICS 0;


--
-- Data for Name: accesses; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: activity; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, 'g', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, '', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: anchors; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.api_keys VALUES (1, '\x32ee3bf53e353db4bcbac973b931b0c4d09d7e39fb7a7b7ce4450709441f2578', 1, '{ingest,read}', '', '2026-11-29 20:46:15.888043+00', NULL, NULL);


--
-- Data for Name: balance_periods; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.balance_periods VALUES ('2025-01-15 12:00:00+00', 1, 1, false, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1, '{4,5,6}', NULL, NULL, NULL, NULL, NULL, NULL, 6);
INSERT INTO roundbook.balance_periods VALUES ('2025-01-15 00:00:00+00', 1, 1, true, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1, '{}', NULL, NULL, NULL, NULL, NULL, NULL, 6);


--
-- Data for Name: balances; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.balances VALUES (1, 1, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.checkpoints VALUES (1, 1, 'log', 7, '\x86f9d780aae7e8cb578e5636b7f6b3bd88a862e40a37ee6052ea48ecd74999af', 'roundbook.invalid/log/18e25f5c25a819241456f80531c66123
7
hvnXgKrn6MtXjlY2t/azvYioYuQKN+5gUupI7NdJma8=

— roundbook.invalid/log/18e25f5c25a819241456f80531c66123 YtxVQKz++lgsguGqWWvUE8sMYohoJSKsfyC4oFfeq3SEqDQtfrRhqGjA4N7KpivJaLKQDFQXnXy94NTzDpqxdr+RkA4=
', '2026-11-29 20:46:18.402158+00', '769');


--
-- Data for Name: closings; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: conflicts; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: day_rules; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: erased; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: erased_conflicts; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: events; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.events VALUES (1, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.465441+00', 1, 1, '\x53199585bddea28e67fe7143a42baef7', 'player:p', 'PlayerUpdated', '\x7b22756e697175655f6964223a20227531222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022636f756e747279223a20224d54222c2022757365726e616d65223a2022416461227d', '\xaa166db6d47f0f36035119b3569a3b85');
INSERT INTO roundbook.events VALUES (2, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.465441+00', 1, 1, '\xa05bfb42565443c273befd7bd97cb8a4', 'game:g', 'GameUpdated', '\x7b22756e697175655f6964223a20226731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c202267616d655f6964223a202267222c20226e616d65223a2022426f6f6b222c202270726f7669646572223a202273747564696f227d', '\x');
INSERT INTO roundbook.events VALUES (3, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.465441+00', 1, 2, '\xb1ae67889e21e2c7e6fbcc110d91334a', 'player:p', 'LoggedIn', '\x7b22756e697175655f6964223a20226c31222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270227d', '\x6b3166c339d4a52290a67b1ec35e16f4');
INSERT INTO roundbook.events VALUES (4, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.49207+00', 1, 3, '\x70216ddf1d2e2c57a587dfaad501dc76', 'player:p', 'Deposited', '\x7b22756e697175655f6964223a20226431222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022616d6f756e74223a2032302c202263757272656e6379223a2022455552222c20226d6574686f64223a202263617264227d', '\x');
INSERT INTO roundbook.events VALUES (5, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.49207+00', 1, 4, '\x932be1794a47fa5cb9e3dfb06ab3f25f', 'player:p', 'BetPlaced', '\x7b22756e697175655f6964223a20226231222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20322e352c202263757272656e6379223a2022455552222c202269735f77696e223a2066616c73652c202269735f626f6e7573223a2066616c73657d', '\x');
INSERT INTO roundbook.events VALUES (6, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.49207+00', 1, 5, '\x87e637370b4957ecd43efe7fd11db6c0', 'player:p', 'WinPaid', '\x7b22756e697175655f6964223a20227731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20372e32352c202263757272656e6379223a2022455552222c202269735f77696e223a20747275652c202269735f626f6e7573223a2066616c73657d', '\x');
INSERT INTO roundbook.events VALUES (7, '2025-01-15 12:00:00+00', '2026-11-29 20:46:17.49207+00', 1, 1, '\xdc8d03edd42d1bc9a5f58b2a34ef06bd', 'player:q', 'LoggedIn', '\x7b22756e697175655f6964223a20226c32222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202271227d', '\x519fab8969c1199f5e9c3ffcb7003518');


--
-- Data for Name: games; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.games VALUES (1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 'g', 'Book', 'book', 'studio', NULL, NULL, '{}', '{}', '{}', '{"name": ["2025-01-15T12:00:00Z", "g1"], "provider": ["2025-01-15T12:00:00Z", "g1"]}', NULL, NULL);


--
-- Data for Name: head_pages; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: head_statements; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: head_tiles; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: histories; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.histories VALUES (1, '\x80903bc3676f41c6962675d0ef9a849e', '7713697461997489923/00000001/16386/16430', '2026-11-29 20:45:55.010136+00');


--
-- Data for Name: history_heads; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: holds; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: key_uses; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.key_uses VALUES (1, 1, '2026-11-29 20:46:17.458613+00');


--
-- Data for Name: leaf_runs; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.leaf_runs VALUES (1, 1, 1, '\x922a596c955f9ce8c960de77bd0f68ab851076041b962068caff26419a8ace99e02696935670b9988addd63c2e970835831ab824a0ddc2e5eb7d7a062a69cf4c301f61221303a49e1571b8a3f063102d3adacae4e5008e57e18dd0fc1554dcd1', '765');
INSERT INTO roundbook.leaf_runs VALUES (1, 1, 4, '\xcdc88efd02627e06597ddd1b22a1813788bba8cc3efd18cb60fa1bb3042dedce921ad02aa92186c0409a377e855102901af7c61f17807e8d2ceae6a054c6f34e1cd43a9d6a77a59f7bfc5d282da3a73954159ed43b88a8eb1b7523a81a740a7d066cf22c8089601b165fedc42f7ca02b9d879127a188f262a17465985e6a6936', '766');


--
-- Data for Name: log_keys; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.log_keys VALUES (1, 1, 1, 'roundbook.invalid/log/18e25f5c25a819241456f80531c66123+62dc5540+Ae87ASm6H6xxDsQjxTUzw5d+Vj50w5eWiaYarvR1wCqP', 0, NULL, false, '2026-11-29 20:46:11.923934+00');


--
-- Data for Name: logs; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.logs VALUES (1, 1, '\x18e25f5c25a819241456f80531c66123', '2026-11-29 20:46:11.8729+00', NULL, NULL);


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.migrations VALUES (1, 'log', '2026-11-29 20:45:53.537367+00', NULL);
INSERT INTO roundbook.migrations VALUES (2, 'read_models', '2026-11-29 20:45:53.779132+00', NULL);
INSERT INTO roundbook.migrations VALUES (3, 'evidence', '2026-11-29 20:45:54.100483+00', NULL);
INSERT INTO roundbook.migrations VALUES (4, 'sealing', '2026-11-29 20:45:54.150787+00', NULL);
INSERT INTO roundbook.migrations VALUES (5, 'erasure', '2026-11-29 20:45:54.226578+00', NULL);
INSERT INTO roundbook.migrations VALUES (6, 'accesses', '2026-11-29 20:45:54.256949+00', NULL);
INSERT INTO roundbook.migrations VALUES (7, 'heads', '2026-11-29 20:45:54.291577+00', NULL);
INSERT INTO roundbook.migrations VALUES (8, 'privileges', '2026-11-29 20:45:54.366722+00', NULL);
INSERT INTO roundbook.migrations VALUES (9, 'rate_limits', '2026-11-29 20:45:54.393886+00', NULL);
INSERT INTO roundbook.migrations VALUES (10, 'said_of_evidence', '2026-11-29 20:45:54.430239+00', NULL);
INSERT INTO roundbook.migrations VALUES (11, 'changes', '2026-11-29 20:45:54.43858+00', NULL);
INSERT INTO roundbook.migrations VALUES (12, 'histories', '2026-11-29 20:45:54.457399+00', NULL);
INSERT INTO roundbook.migrations VALUES (13, 'compatible_code', '2026-11-29 20:45:54.500197+00', NULL);
INSERT INTO roundbook.migrations VALUES (14, 'lives', '2026-11-29 20:45:54.509463+00', 12);
INSERT INTO roundbook.migrations VALUES (15, 'where_writers_are', '2026-11-29 20:45:54.610173+00', 12);
INSERT INTO roundbook.migrations VALUES (16, 'clusters', '2026-11-29 20:45:54.624238+00', 12);
INSERT INTO roundbook.migrations VALUES (17, 'rollbacks', '2026-11-29 20:45:54.632773+00', 12);
INSERT INTO roundbook.migrations VALUES (18, 'gaming_days', '2026-11-29 20:45:54.689364+00', 12);
INSERT INTO roundbook.migrations VALUES (19, 'refused', '2026-11-29 20:45:54.71385+00', 12);
INSERT INTO roundbook.migrations VALUES (20, 'subscriptions', '2026-11-29 20:45:54.744429+00', 12);
INSERT INTO roundbook.migrations VALUES (21, 'operate', '2026-11-29 20:45:54.768397+00', 12);
INSERT INTO roundbook.migrations VALUES (22, 'usernames', '2026-11-29 20:45:54.77821+00', 12);


--
-- Data for Name: players; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'q', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}', NULL);
INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'p', 'Ada', 'MT', NULL, NULL, NULL, NULL, '{}', '{}', '{"country": ["2025-01-15T12:00:00Z", "u1"], "username": ["2025-01-15T12:00:00Z", "u1"]}', 'ada');


--
-- Data for Name: rate_buckets; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: rate_limits; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: refused_items; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: removed_logs; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: removed_tenants; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: rollbacks; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: rounds; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.rounds VALUES ('2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 1, 1, 1, 1, '\xf6667d2a8bc89770d35c92a25c97dfb3', false, 'settled', 'p', 'g', 'r', '{"EUR":["2.5","0","7.25","0",["2025-01-15"]]}', '{5,6}', NULL);


--
-- Data for Name: sealing; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.sealing VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: snapshots; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: subscriptions; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenant_currencies; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenants; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tenants VALUES (1, 'acme', '2026-11-29 20:46:11.871441+00');


--
-- Data for Name: tiles; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tracking; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tracking VALUES (1, 1, 7, NULL, '2026-11-29 20:46:17.558351+00', NULL, true, false, '{"games": 2, "rounds": 2, "players": 2, "activity": 2, "balances": 2, "rollbacks": 1, "transactions": 1}', NULL);


--
-- Data for Name: transactions; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.transactions VALUES (4, '2025-01-15 12:00:00+00', 1, 1, 'deposit', 'd1', 'p', 20, 'EUR', 'card', NULL);


--
-- Name: accesses accesses_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.accesses
    ADD CONSTRAINT accesses_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: activity activity_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (tenant_id, generation, day, game_id, currency);


--
-- Name: anchors anchors_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.anchors
    ADD CONSTRAINT anchors_pkey PRIMARY KEY (tenant_id, log_number, tree, target, size);


--
-- Name: api_keys api_keys_key_hash_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);


--
-- Name: balance_periods balance_periods_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.balance_periods
    ADD CONSTRAINT balance_periods_pkey PRIMARY KEY (tenant_id, generation, player_id, is_day, period, currency);


--
-- Name: balances balances_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (tenant_id, generation, player_id, currency);


--
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (tenant_id, log_number, tree, size);


--
-- Name: closings closings_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.closings
    ADD CONSTRAINT closings_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: conflicts conflicts_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.conflicts
    ADD CONSTRAINT conflicts_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: conflicts conflicts_tenant_id_key_content_hash_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.conflicts
    ADD CONSTRAINT conflicts_tenant_id_key_content_hash_key UNIQUE (tenant_id, key, content_hash);


--
-- Name: day_rules day_rules_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.day_rules
    ADD CONSTRAINT day_rules_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: erased_conflicts erased_conflicts_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.erased_conflicts
    ADD CONSTRAINT erased_conflicts_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: erased erased_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (tenant_id, "position");


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, "position");


--
-- Name: events events_tenant_id_key_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_tenant_id_key_key UNIQUE (tenant_id, key);


--
-- Name: events events_tenant_id_stream_version_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_tenant_id_stream_version_key UNIQUE (tenant_id, stream, version);


--
-- Name: games games_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.games
    ADD CONSTRAINT games_pkey PRIMARY KEY (tenant_id, generation, game_id);


--
-- Name: head_pages head_pages_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_pages
    ADD CONSTRAINT head_pages_pkey PRIMARY KEY (tenant_id, log_number, n, page);


--
-- Name: head_pages head_pages_tenant_id_log_number_n_first_stream_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_pages
    ADD CONSTRAINT head_pages_tenant_id_log_number_n_first_stream_key UNIQUE (tenant_id, log_number, n, first_stream);


--
-- Name: head_statements head_statements_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_statements
    ADD CONSTRAINT head_statements_pkey PRIMARY KEY (tenant_id, log_number, n);


--
-- Name: head_tiles head_tiles_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_tiles
    ADD CONSTRAINT head_tiles_pkey PRIMARY KEY (tenant_id, log_number, n, level, tile);


--
-- Name: histories histories_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.histories
    ADD CONSTRAINT histories_pkey PRIMARY KEY (number);


--
-- Name: history_heads history_heads_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.history_heads
    ADD CONSTRAINT history_heads_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: holds holds_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: key_uses key_uses_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.key_uses
    ADD CONSTRAINT key_uses_pkey PRIMARY KEY (tenant_id, key_id);


--
-- Name: leaf_runs leaf_runs_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.leaf_runs
    ADD CONSTRAINT leaf_runs_pkey PRIMARY KEY (tenant_id, log_number, first_position);


--
-- Name: log_keys log_keys_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.log_keys
    ADD CONSTRAINT log_keys_pkey PRIMARY KEY (tenant_id, log_number, number);


--
-- Name: logs logs_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);


--
-- Name: events names_have_room; Type: CHECK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE roundbook.events
    ADD CONSTRAINT names_have_room CHECK (((length(stream) <= 300) AND (length(topic) <= 100))) NOT VALID;


--
-- Name: players players_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.players
    ADD CONSTRAINT players_pkey PRIMARY KEY (tenant_id, generation, player_id);


--
-- Name: rate_buckets rate_buckets_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.rate_buckets
    ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (tenant_id, key_id, what);


--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (tenant_id, key_id);


--
-- Name: refused_items refused_items_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.refused_items
    ADD CONSTRAINT refused_items_pkey PRIMARY KEY (tenant_id, content_hash);


--
-- Name: removed_logs removed_logs_log_id_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.removed_logs
    ADD CONSTRAINT removed_logs_log_id_key UNIQUE (log_id);


--
-- Name: removed_logs removed_logs_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.removed_logs
    ADD CONSTRAINT removed_logs_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: removed_tenants removed_tenants_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.removed_tenants
    ADD CONSTRAINT removed_tenants_pkey PRIMARY KEY (tenant_id);


--
-- Name: rollbacks rollbacks_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.rollbacks
    ADD CONSTRAINT rollbacks_pkey PRIMARY KEY (tenant_id, generation, "position");


--
-- Name: rounds rounds_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.rounds
    ADD CONSTRAINT rounds_pkey PRIMARY KEY (tenant_id, key, generation);


--
-- Name: sealing sealing_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.sealing
    ADD CONSTRAINT sealing_pkey PRIMARY KEY (tenant_id);


--
-- Name: snapshots snapshots_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (tenant_id, stream, version);


--
-- Name: subscriptions subscriptions_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (tenant_id, name);


--
-- Name: tenant_currencies tenant_currencies_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenant_currencies
    ADD CONSTRAINT tenant_currencies_pkey PRIMARY KEY (tenant_id, code);


--
-- Name: tenants tenants_name_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenants
    ADD CONSTRAINT tenants_name_key UNIQUE (name);


--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);


--
-- Name: tiles tiles_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tiles
    ADD CONSTRAINT tiles_pkey PRIMARY KEY (tenant_id, log_number, tree, level, n);


--
-- Name: events time_is_one; Type: CHECK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE roundbook.events
    ADD CONSTRAINT time_is_one CHECK (isfinite(occurred_at)) NOT VALID;


--
-- Name: tracking tracking_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tracking
    ADD CONSTRAINT tracking_pkey PRIMARY KEY (tenant_id, generation);


--
-- Name: transactions transactions_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (tenant_id, generation, "position");


--
-- Name: events version_is_reached; Type: CHECK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE roundbook.events
    ADD CONSTRAINT version_is_reached CHECK (((version >= 0) AND (version <= "position"))) NOT VALID;


--
-- Name: accesses_by_key; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX accesses_by_key ON roundbook.accesses USING btree (tenant_id, key_id, number);


--
-- Name: accesses_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX accesses_by_time ON roundbook.accesses USING btree (tenant_id, accessed_at, number);


--
-- Name: accesses_by_xid; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX accesses_by_xid ON roundbook.accesses USING btree (xid) WHERE (xid IS NOT NULL);


--
-- Name: activity_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_by_currency ON roundbook.activity USING btree (tenant_id, generation, currency, day, game_id);


--
-- Name: activity_by_game; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_by_game ON roundbook.activity USING btree (tenant_id, generation, game_id, day, currency);


--
-- Name: activity_of_games; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_of_games ON roundbook.activity USING btree (tenant_id, generation, game_id, currency, day);


--
-- Name: activity_of_games_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_of_games_by_currency ON roundbook.activity USING btree (tenant_id, generation, currency, game_id, day);


--
-- Name: balance_days; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX balance_days ON roundbook.balance_periods USING btree (tenant_id, generation, period, player_id, currency) WHERE is_day;


--
-- Name: balances_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX balances_by_currency ON roundbook.balances USING btree (tenant_id, generation, currency, player_id);


--
-- Name: checkpoints_by_xid; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX checkpoints_by_xid ON roundbook.checkpoints USING btree (xid) WHERE (xid IS NOT NULL);


--
-- Name: conflicts_by_position; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX conflicts_by_position ON roundbook.conflicts USING btree (tenant_id, "position");


--
-- Name: events_by_rare_topic; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX events_by_rare_topic ON roundbook.events USING btree (tenant_id, topic, "position") WHERE (topic <> ALL (ARRAY['BetPlaced'::text, 'WinPaid'::text]));


--
-- Name: leaf_runs_by_xid; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX leaf_runs_by_xid ON roundbook.leaf_runs USING btree (xid) WHERE (xid IS NOT NULL);


--
-- Name: players_by_affiliate; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_affiliate ON roundbook.players USING btree (tenant_id, generation, "left"(affiliate, 255), player_id) WHERE (affiliate IS NOT NULL);


--
-- Name: players_by_blocked; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_blocked ON roundbook.players USING btree (tenant_id, generation, is_blocked, player_id) WHERE (is_blocked IS NOT NULL);


--
-- Name: players_by_country; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_country ON roundbook.players USING btree (tenant_id, generation, "left"(country, 255), player_id) WHERE (country IS NOT NULL);


--
-- Name: players_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_currency ON roundbook.players USING btree (tenant_id, generation, "left"(currency, 255), player_id) WHERE (currency IS NOT NULL);


--
-- Name: players_by_operator; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_operator ON roundbook.players USING btree (tenant_id, generation, "left"(operator, 255), player_id) WHERE (operator IS NOT NULL);


--
-- Name: players_by_tag; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_tag ON roundbook.players USING gin (tags_cut);


--
-- Name: players_by_username; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_username ON roundbook.players USING btree (tenant_id, generation, "left"(username_folded, 255), player_id) WHERE (username_folded IS NOT NULL);


--
-- Name: refused_items_by_event; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX refused_items_by_event ON roundbook.refused_items USING btree (tenant_id, event, received_at, content_hash);


--
-- Name: refused_items_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX refused_items_by_player ON roundbook.refused_items USING gin (player_ids);


--
-- Name: refused_items_by_unique_id; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX refused_items_by_unique_id ON roundbook.refused_items USING btree (tenant_id, unique_id);


--
-- Name: refused_items_last_received; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX refused_items_last_received ON roundbook.refused_items USING btree (last_received_at);


--
-- Name: refused_items_received; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX refused_items_received ON roundbook.refused_items USING btree (tenant_id, received_at, content_hash);


--
-- Name: rollbacks_by_game; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_by_game ON roundbook.rollbacks USING btree (tenant_id, generation, game_id, occurred_at, "position");


--
-- Name: rollbacks_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_by_player ON roundbook.rollbacks USING btree (tenant_id, generation, player_id, occurred_at, "position");


--
-- Name: rollbacks_by_round; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_by_round ON roundbook.rollbacks USING btree (tenant_id, generation, round_id, occurred_at, "position");


--
-- Name: rollbacks_by_status; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_by_status ON roundbook.rollbacks USING btree (tenant_id, generation, status, occurred_at, "position");


--
-- Name: rollbacks_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_by_time ON roundbook.rollbacks USING btree (tenant_id, generation, occurred_at, "position");


--
-- Name: rollbacks_of_reference; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rollbacks_of_reference ON roundbook.rollbacks USING btree (tenant_id, reference, generation) WHERE ((reference IS NOT NULL) AND (status <> 'repeated'::text));


--
-- Name: rounds_by_game; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_game ON roundbook.rounds USING btree (tenant_id, generation, game_id, first_at, key);


--
-- Name: rounds_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_player ON roundbook.rounds USING btree (tenant_id, generation, player_id, first_at, key);


--
-- Name: rounds_by_round; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_round ON roundbook.rounds USING btree (tenant_id, generation, round_id, first_at, key);


--
-- Name: rounds_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_time ON roundbook.rounds USING btree (tenant_id, generation, first_at, key);


--
-- Name: rounds_mixed; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_mixed ON roundbook.rounds USING btree (tenant_id, generation, first_at, key) WHERE mixed_currency;


--
-- Name: rounds_unusual; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_unusual ON roundbook.rounds USING btree (tenant_id, generation, status, first_at, key) WHERE (status <> 'settled'::text);


--
-- Name: tracking_live; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE UNIQUE INDEX tracking_live ON roundbook.tracking USING btree (tenant_id) WHERE live;


--
-- Name: transactions_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_currency ON roundbook.transactions USING btree (tenant_id, generation, currency, occurred_at, "position");


--
-- Name: transactions_by_method; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_method ON roundbook.transactions USING btree (tenant_id, generation, method, occurred_at, "position");


--
-- Name: transactions_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_player ON roundbook.transactions USING btree (tenant_id, generation, player_id, occurred_at, "position");


--
-- Name: transactions_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_time ON roundbook.transactions USING btree (tenant_id, generation, occurred_at, "position");


--
-- Name: transactions_by_type; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_type ON roundbook.transactions USING btree (tenant_id, generation, type, occurred_at, "position");


--
-- Name: accesses append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.accesses FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: anchors append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.anchors FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: checkpoints append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: closings append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.closings FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: conflicts append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OF tenant_id, number, "position", received_at, key, unique_id, event OR TRUNCATE ON roundbook.conflicts FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: day_rules append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.day_rules FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: erased append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.erased FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: erased_conflicts append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.erased_conflicts FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: events append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OF "position", occurred_at, recorded_at, tenant_id, version, key, stream, topic OR TRUNCATE ON roundbook.events FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: head_statements append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.head_statements FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: histories append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.histories FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: history_heads append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.history_heads FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: holds append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.holds FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: leaf_runs append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.leaf_runs FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: log_keys append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.log_keys FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: logs append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.logs FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: removed_logs append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.removed_logs FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: removed_tenants append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.removed_tenants FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: tenant_currencies append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.tenant_currencies FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: tenants append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.tenants FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: tiles append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON roundbook.tiles FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: conflicts append_only_but_erasure; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only_but_erasure BEFORE UPDATE ON roundbook.conflicts FOR EACH ROW EXECUTE FUNCTION roundbook.refuse_all_but_erasure_of_conflicts();


--
-- Name: events append_only_but_erasure; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only_but_erasure BEFORE UPDATE ON roundbook.events FOR EACH ROW EXECUTE FUNCTION roundbook.refuse_all_but_erasure();


--
-- Name: events goes_on; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_on AFTER INSERT ON roundbook.events REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION roundbook.check_appended();


--
-- Name: accesses goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.accesses REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: anchors goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.anchors REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: checkpoints goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.checkpoints REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: closings goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.closings REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: conflicts goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.conflicts REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: day_rules goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.day_rules REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: erased goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.erased REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: erased_conflicts goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.erased_conflicts REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: events goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: head_statements goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.head_statements REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: history_heads goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.history_heads REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: holds goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.holds REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: leaf_runs goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.leaf_runs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: log_keys goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.log_keys REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: logs goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.logs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: tenants goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.tenants REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: tiles goes_with_its_tenant; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER goes_with_its_tenant AFTER DELETE ON roundbook.tiles REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_all_but_removal();


--
-- Name: conflicts is_open; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER is_open AFTER INSERT ON roundbook.conflicts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_closed();


--
-- Name: events is_open; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER is_open AFTER INSERT ON roundbook.events REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_closed();


--
-- Name: api_keys api_keys_tenant_id_fkey; Type: FK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES roundbook.tenants(tenant_id);


--
-- Name: tenant_currencies tenant_currencies_tenant_id_fkey; Type: FK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenant_currencies
    ADD CONSTRAINT tenant_currencies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES roundbook.tenants(tenant_id);


--
-- PostgreSQL database dump complete
--


