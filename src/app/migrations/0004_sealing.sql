-- Sealing: the tree over each log's leaves, signed again and again. See docs/evidence.md.
-- A log has three trees: 'log' over its events, 'heads' over statements of how far its streams go, and
-- 'accesses' over who read it.

-- The keys that sign a log, the first one first. `note` is the statement by which one follows another, signed
-- by both; what a revoked key signed from that size on counts for nothing.
create table log_keys (
    tenant_id  int not null,
    log_number int not null,
    number     int not null,
    vkey       text not null,
    from_size  bigint not null,
    note       text,
    revoked    boolean not null default false,
    added_at   timestamptz not null,
    primary key (tenant_id, log_number, number)
);

-- Hashes of complete subtrees, 32 bytes each: of level 1 and above, each over 256 of the level below; `n` is
-- the index of a row's first. Those of level 0 are the leaf hashes: of 'log' they are in leaf_runs.
create table tiles (
    tenant_id  int not null,
    log_number int not null,
    tree       text collate "C" not null,
    level      smallint not null,
    n          bigint not null,
    hashes     bytea not null,
    primary key (tenant_id, log_number, tree, level, n)
);
alter table tiles alter column hashes set storage external;

-- `note` is what was signed, as it left the signer; the cosignatures of witnesses are in anchors.
create table checkpoints (
    tenant_id  int not null,
    log_number int not null,
    tree       text collate "C" not null,
    size       bigint not null,
    root       bytea not null,
    note       text not null,
    sealed_at  timestamptz not null,
    primary key (tenant_id, log_number, tree, size)
);

-- What was given for a checkpoint by an anchor outside: cosignatures, a time stamp, a line of a file.
create table anchors (
    tenant_id   int not null,
    log_number  int not null,
    tree        text collate "C" not null,
    target      text not null,
    size        bigint not null,
    receipt     bytea not null,
    anchored_at timestamptz not null,
    primary key (tenant_id, log_number, tree, target, size)
);

-- Who seals a log locks its row; why it can't be sealed stands there as long as that is so.
create table sealing (
    tenant_id int primary key,
    failure   text,
    failed_at timestamptz
);

create trigger append_only before update or delete or truncate on log_keys
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on tiles
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on checkpoints
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on anchors
    for each statement execute function refuse_change();
