-- Evidence: what convicts who changes the log. See docs/evidence.md.

-- A tenant's log has an id of its own, 16 random bytes, which every leaf of its tree holds. After a restore
-- from an older backup the tenant begins another one (`roundbook evidence restart`), over the same events:
-- the greatest number is the one that goes on, and its signed note says what it follows. No foreign key: what
-- is evidence is not deleted with a tenant.
create table logs (
    tenant_id   int not null,
    number      int not null,
    log_id      bytea not null,
    created_at  timestamptz not null,
    predecessor bytea,
    note        text,
    primary key (tenant_id, number)
);

insert into logs (tenant_id, number, log_id, created_at)
select tenant_id, 1, uuid_send(gen_random_uuid()), now() from tenants;

-- 16 random bytes where the event can be erased, so that nobody finds out by trying what stood there.
-- The state of an event that was erased is null.
alter table events add column salt bytea not null default '';
alter table events alter column state drop not null;

-- The hashes of the leaves of consecutive events, 32 bytes each: one row for each commit. What came before
-- this table, or from a version that doesn't know it, is added from the events.
create table leaf_runs (
    tenant_id      int not null,
    log_number     int not null,
    first_position bigint not null,
    hashes         bytea not null,
    primary key (tenant_id, log_number, first_position)
);
-- Hashes can't be compressed.
alter table leaf_runs alter column hashes set storage external;

create trigger append_only before update or delete or truncate on logs
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on leaf_runs
    for each statement execute function refuse_change();
