-- Statements of heads: the last version of every stream of a log. See docs/evidence.md.

-- The leaves of each log's tree 'heads', from index 0: what was stated of the log as it was at a size.
create table head_statements (
    tenant_id  int not null,
    log_number int not null,
    n          bigint not null,
    size       bigint not null,
    statement  bytea not null,
    made_at    timestamptz not null,
    primary key (tenant_id, log_number, n)
);

-- What the newest statements are of, so that a stream's end can be proven: 256 heads a page, sorted by
-- stream, with their leaf hashes. `n` is the statement's; its pages are there before it is. They can be made
-- again from the events, so they may be deleted.
create table head_pages (
    tenant_id    int not null,
    log_number   int not null,
    n            bigint not null,
    page         bigint not null,
    first_stream text collate "C" not null,
    entries      bytea not null,
    hashes       bytea not null,
    primary key (tenant_id, log_number, n, page),
    unique (tenant_id, log_number, n, first_stream)
);
alter table head_pages alter column hashes set storage external;

-- The hashes over the pages: tiles of up to 256, of level 1 and above.
create table head_tiles (
    tenant_id  int not null,
    log_number int not null,
    n          bigint not null,
    level      smallint not null,
    tile       bigint not null,
    hashes     bytea not null,
    primary key (tenant_id, log_number, n, level, tile)
);
alter table head_tiles alter column hashes set storage external;

create trigger append_only before update or delete or truncate on head_statements
    for each statement execute function refuse_change();
