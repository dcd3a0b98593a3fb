-- The log of accesses: each request that was let in with the scope `audit`, before it was answered.
-- number: 1, 2, 3, … per tenant, in commit order; accessed_at never decreases along it. The texts are as they
-- were sent, and no longer than what commits to them can say (see domain/evidence/accesses.py).
create table accesses (
    number        bigint not null,
    accessed_at   timestamptz not null,
    tenant_id     int not null,
    key_id        int not null,
    method        text not null,
    path          text not null,
    query         text not null,
    last_event_id text not null,
    primary key (tenant_id, number),
    check (greatest(octet_length(method), octet_length(path), octet_length(query),
                    octet_length(last_event_id)) < 65536)
);

create index accesses_by_time on accesses (tenant_id, accessed_at, number);
create index accesses_by_key on accesses (tenant_id, key_id, number);

create trigger append_only before update or delete or truncate on accesses
    for each statement execute function refuse_change();
