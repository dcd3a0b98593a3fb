-- Histories: after a restore, a recovery to a point in time, or a failover to a standby that was late, positions
-- are given again, to other events. Each time the log is found elsewhere than it was another history begins, with
-- an id of its own; the first one has none in what readers are given, where the id of the log alone stands for it.

-- kept_in: the server, its timeline, the database and the table that a history is in, see where_kept().
create table roundbook.histories (
    number     int primary key,
    history_id bytea not null,
    kept_in    text not null,
    begun_at   timestamptz not null
);
-- Where each log was when a later history began: up to there both are the same.
create table roundbook.history_heads (
    tenant_id int not null,
    number    int not null,
    head      bigint not null,
    primary key (tenant_id, number)
);
create trigger append_only before update or delete or truncate on roundbook.history_heads
    for each statement execute function roundbook.refuse_change();
create trigger append_only before update or delete or truncate on roundbook.histories
    for each statement execute function roundbook.refuse_change();

-- Where the log is. A dump that is restored has another table, a copy of the database another database, a copy of
-- a server that went on by itself another timeline, and any other server another identifier. What a server does
-- not tell, as some that are offered as a service, is left out.
create function roundbook.where_kept() returns text language plpgsql stable
    set search_path = roundbook, pg_temp as $$
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

-- Begin another history; gives its number.
create function roundbook.begin_history() returns int language plpgsql
    set search_path = roundbook, pg_temp as $$
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

-- Begin another history if the log is elsewhere than it was; gives its number if one began after another.
create function roundbook.notice_history() returns int language plpgsql security definer
    set search_path = roundbook, pg_temp as $$
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

revoke all on function roundbook.where_kept(), roundbook.begin_history(), roundbook.notice_history() from public;
