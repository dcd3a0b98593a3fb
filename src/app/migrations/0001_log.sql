-- The write side: tenants and their keys, the log, the register of conflicts.
-- Every table of a tenant's has tenant_id first in its primary key, so that the same schema can be
-- distributed by it (Citus). Key columns of type text compare by code points (COLLATE "C").

create table tenants (
    tenant_id  int primary key,
    name       text collate "C" not null unique,
    created_at timestamptz not null
);

-- The codes beyond ISO 4217 that the operator allows a tenant to send.
create table tenant_currencies (
    tenant_id int not null references tenants,
    code      text collate "C" not null,
    primary key (tenant_id, code)
);

-- Of a key only its SHA-256 is kept. Keys are revoked, never deleted.
create table api_keys (
    key_id     int primary key,
    key_hash   bytea not null unique,
    tenant_id  int not null references tenants,
    scopes     text[] not null,
    label      text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz
);

-- The log. One row is one domain event; `state` is the item's `data` exactly as it was sent.
-- position: 1, 2, 3, … per tenant, in commit order; version: the same within a stream.
-- key: 16 bytes of BLAKE2b of the item's unique_id; null for an event that came with none.
-- Columns in this order waste no bytes on alignment. No foreign key: it would cost a third of a COPY.
create table events (
    position    bigint not null,
    occurred_at timestamptz,
    recorded_at timestamptz not null,
    tenant_id   int not null,
    version     int not null,
    key         bytea,
    stream      text collate "C" not null,
    topic       text collate "C" not null,
    state       bytea not null,
    primary key (tenant_id, position),
    unique (tenant_id, key),
    unique (tenant_id, stream, version)
);

-- All kinds but bets and wins are rare, and history can be asked for one kind alone.
create index events_by_rare_topic on events (tenant_id, topic, position)
    where topic not in ('BetPlaced', 'WinPaid');

-- What was refused because its unique_id stood for something else. The same content is kept once:
-- content_hash is 16 bytes of BLAKE2b over the wire type and the value of `data`, however it is spelled.
create table conflicts (
    tenant_id    int not null,
    number       bigint not null,
    position     bigint not null,
    received_at  timestamptz not null,
    key          bytea not null,
    content_hash bytea not null,
    unique_id    text not null,
    event        text not null,
    data         bytea not null,
    primary key (tenant_id, number),
    unique (tenant_id, key, content_hash)
);

create index conflicts_by_position on conflicts (tenant_id, position);

-- States of aggregates at a version, so that a long stream need not be read from its beginning.
-- Derived from the log, so they may be deleted.
create table snapshots (
    tenant_id int not null,
    stream    text collate "C" not null,
    version   int not null,
    topic     text not null,
    state     bytea not null,
    primary key (tenant_id, stream, version)
);

-- The second wall around the log, behind the grants: it holds for the owner of the table too.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete or truncate on events
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on conflicts
    for each statement execute function refuse_change();
