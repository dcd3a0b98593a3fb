-- Erasure: what the log holds of a player goes, and what commits to it stays. See docs/erasure.md.

-- Of an event that was erased: what its leaf commits to in place of its state (see docs/evidence.md), and
-- where in the log that is recorded.
create table erased (
    tenant_id       int not null,
    position        bigint not null,
    commitment      bytea not null,
    record_position bigint not null,
    primary key (tenant_id, position)
);

-- What was refused and erased, and where in the log that is recorded.
create table erased_conflicts (
    tenant_id       int not null,
    number          bigint not null,
    record_position bigint not null,
    primary key (tenant_id, number)
);

-- Players who must not be erased: of each the last row says whether the hold stands or was released.
create table holds (
    tenant_id int not null,
    number    bigint not null,
    player_id text collate "C" not null,
    held      boolean not null,
    reason    text not null,
    by        text not null,
    at        timestamptz not null,
    primary key (tenant_id, number)
);

create trigger append_only before update or delete or truncate on erased
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on erased_conflicts
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on holds
    for each statement execute function refuse_change();

alter table conflicts alter column data drop not null;

-- Of the log one change is let through, and for the owner too no other: state and salt go, once their
-- commitment is kept, by a record of it in the same stream. A statement that names any other column is refused
-- even where it finds no row.
create function refuse_all_but_erasure() returns trigger language plpgsql
    set search_path = roundbook, pg_temp as $$
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

drop trigger append_only on events;
create trigger append_only
    before delete or truncate
        or update of position, occurred_at, recorded_at, tenant_id, version, key, stream, topic on events
    for each statement execute function refuse_change();
create trigger append_only_but_erasure before update on events
    for each row execute function refuse_all_but_erasure();

-- The same of what was refused. Its hash goes with it: of few possible contents it would tell which it was.
create function refuse_all_but_erasure_of_conflicts() returns trigger language plpgsql
    set search_path = roundbook, pg_temp as $$
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

drop trigger append_only on conflicts;
create trigger append_only
    before delete or truncate
        or update of tenant_id, number, position, received_at, key, unique_id, event on conflicts
    for each statement execute function refuse_change();
create trigger append_only_but_erasure before update on conflicts
    for each row execute function refuse_all_but_erasure_of_conflicts();

-- Erase events and what was refused, by the record that was just appended.
create function erase(of_tenant int, of_record bigint, positions bigint[], numbers bigint[]) returns void
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
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
revoke all on function erase(int, bigint, bigint[], bigint[]) from public;
