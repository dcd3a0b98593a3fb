-- Rate limits: how much a tenant, or one of its keys, may send and ask. See docs/operating.md.

-- key_id: 0 for the tenant as a whole. What is null is not limited. burst_s: for how many seconds what is not
-- used can be saved up.
create table rate_limits (
    tenant_id      int not null,
    key_id         int not null,
    requests_per_s bigint check (requests_per_s > 0),
    items_per_s    bigint check (items_per_s > 0),
    bytes_per_s    bigint check (bytes_per_s > 0),
    burst_s        int not null check (burst_s > 0),
    primary key (tenant_id, key_id)
);

-- How full the bucket of each limit is: full_at is when it is full again if nobody takes. One that is not there
-- is full, so after a crash, which empties this, all are.
create unlogged table rate_buckets (
    tenant_id int not null,
    key_id    int not null,
    what      text collate "C" not null,
    full_at   timestamptz not null,
    primary key (tenant_id, key_id, what)
) with (fillfactor = 50);
