-- Code that knows step 0012 goes on.
-- What was left out of batches that were sent leniently, for its faults: each content once, for 30 days. It is no
-- part of the log, and what is known of it is only what was sent.
create table roundbook.refused_items (
    tenant_id        int not null,
    -- Of what was sent, so that what is sent again and again is one row.
    content_hash     bytea not null,
    received_at      timestamptz not null,
    last_received_at timestamptz not null,
    times            bigint not null,
    dialect          text not null,
    -- As far as the item has them.
    unique_id        text collate "C",
    event            text collate "C",
    -- All that it names, so that it goes with each of them.
    player_ids       text[] collate "C" not null,
    -- Null where there was none, or too much.
    data             bytea,
    -- JSON: each a pointer below the item, a code and what is wrong.
    faults           bytea not null,
    primary key (tenant_id, content_hash)
);
create index refused_items_received on roundbook.refused_items (tenant_id, received_at, content_hash);
create index refused_items_last_received on roundbook.refused_items (last_received_at);
create index refused_items_by_unique_id on roundbook.refused_items (tenant_id, unique_id);
create index refused_items_by_event on roundbook.refused_items (tenant_id, event, received_at, content_hash);
create index refused_items_by_player on roundbook.refused_items using gin (player_ids);
