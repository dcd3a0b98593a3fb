-- Code that knows step 0012 goes on.
-- Subscriptions: where what is recorded is relayed to, and how far each is. The log is the outbox: nothing is written for
-- them when something is recorded. Rows change often and in columns without an index, so there is room in their pages.
create table roundbook.subscriptions (
    tenant_id    int not null,
    name         text collate "C" not null,
    kind         text collate "C" not null,
    -- What it is depends on the kind: a URL, a subject, an exchange with a routing key, a topic.
    target       text not null,
    -- Item types and types of events, null for all.
    events       text[] collate "C",
    -- All up to here was confirmed by the target, or is not for it.
    position     bigint not null,
    created_at   timestamptz not null,
    -- Null while it is active.
    paused_at    timestamptz,
    pause_reason text,
    -- Which process sends, and until when it is taken for granted that it does.
    sender       text collate "C",
    sender_until timestamptz,
    -- How often in a row it failed, why it did last, and when it is tried again.
    failures     int not null default 0,
    failure      text,
    failed_at    timestamptz,
    not_before   timestamptz,
    -- In all.
    delivered    bigint not null default 0,
    failed       bigint not null default 0,
    primary key (tenant_id, name)
) with (fillfactor = 50);
