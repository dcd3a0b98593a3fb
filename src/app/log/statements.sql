-- name: lock_tenant(tenant_id)
-- One writer at a time for each tenant, so that positions are gapless and in the order of commits: who
-- has read position n will find nothing new at or below it. Other tenants are not held up. The row is
-- locked, never updated: an updated row would bloat under any long snapshot.
select tenant_id from tenants where tenant_id = :tenant_id for no key update;

-- name: locked_head(tenant_id)
-- Where a log goes on: its head, when that was recorded, and which of the tenant's logs it is. Its head is the
-- greatest position of which the leaf hash is recorded, or that of an event that follows another one: a row
-- that somebody entered anywhere beyond is no part of it. The first entry of the primary key's index, read
-- backwards, unless there are such rows.
select coalesce(e.position, 0) as head, e.recorded_at, l.number, l.log_id
  from (values (:tenant_id::int)) as t (tenant_id)
  left join lateral (select number, log_id from logs
                      where tenant_id = t.tenant_id order by number desc limit 1) l on true
  left join lateral (select first_position::numeric + length(hashes) / 32 - 1 as position from leaf_runs
                      where tenant_id = t.tenant_id and log_number = l.number
                      order by first_position desc limit 1) r on true
  left join lateral (
       select position, recorded_at from events a
        where tenant_id = t.tenant_id and position > 0
          and (position <= r.position or position = 1
               or (select true from events where tenant_id = t.tenant_id and position = a.position - 1))
        order by position desc limit 1) e on true;

-- name: begin_log(tenant_id, number, log_id, created_at, predecessor, note)!
insert into logs (tenant_id, number, log_id, created_at, predecessor, note)
values (:tenant_id, :number, :log_id, :created_at, :predecessor, :note);

-- name: recorded_by_key(keys, tenant_id)
-- Which of these keys are recorded, and as what. The keys come one behind the other, 16 bytes each,
-- which is far quicker to send than an array. The lateral join keeps to the unique index even before
-- the first analyze of a new table.
--
-- A state of more than 4 kB is left out: thousands of large ones need not be in memory at once. That of an
-- event that was erased is empty.
select k.key, e.position, e.topic, e.state
  from (select substring(:keys::bytea from n for 16)
          from generate_series(1, length(:keys::bytea), 16) as n) as k (key)
 cross join lateral (
       select position, topic,
              case when octet_length(state) <= 4096 then state when state is null then '' end as state
         from events
        where tenant_id = :tenant_id and key = k.key offset 0) e;

-- name: state_at(tenant_id, position)
select coalesce(state, '') as state from events where tenant_id = :tenant_id and position = :position;

-- name: stream_heads(tenant_id, streams)
-- The last version of each of these streams, null for one that has none.
select s.stream,
       (select max(version) from events where tenant_id = :tenant_id and stream = s.stream) as version
  from unnest(:streams::text[]) as s (stream);

-- name: last_version(tenant_id, stream)
select coalesce(max(version), 0) from events where tenant_id = :tenant_id and stream = :stream;

-- name: position_of_version(tenant_id, stream, version)
select position from events
 where tenant_id = :tenant_id and stream = :stream and version = :version;

-- name: heads_since(tenant_id, after)
-- The last versions of the streams that were written to behind a position.
select stream, max(version) as version from events
 where tenant_id = :tenant_id and position > :after group by stream;

-- name: copy_events()!
copy events (tenant_id, position, version, recorded_at, key, stream, topic, occurred_at, salt, state)
from stdin (format binary);

-- name: insert_leaf_run(tenant_id, log_number, first_position, hashes)!
insert into leaf_runs (tenant_id, log_number, first_position, hashes)
values (:tenant_id, :log_number, :first_position, :hashes);

-- name: known_conflicts(keys, hashes, tenant_id)
select c.key, c.content_hash
  from unnest(:keys::bytea[], :hashes::bytea[]) as k (key, content_hash)
  join conflicts c on c.tenant_id = :tenant_id and c.key = k.key and c.content_hash = k.content_hash;

-- name: last_conflict(tenant_id)
select coalesce(max(number), 0) from conflicts where tenant_id = :tenant_id;

-- name: insert_conflict(tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)!
-- Unless the event was erased since it was compared.
insert into conflicts
       (tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)
select :tenant_id, :number, :position, :received_at, :key, :content_hash, :unique_id, :event, :data
 where not exists (select from erased where tenant_id = :tenant_id and position = :position);

-- name: select_stream(tenant_id, stream, gt, lte, limit)
-- A stream's events, oldest first. `gt` and `lte` bound the version, by the index also in a plan that is
-- made for any of them (`:gt is null or …` would read the stream from its beginning). Of an event that was erased
-- the state reads as the time at which it happened (see domain.events.decode).
select stream, version, topic, coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
  from events
 where tenant_id = :tenant_id and stream = :stream
   and version > coalesce(:gt::int, -1) and version <= coalesce(:lte::int, 2147483647)
 order by version limit :limit;

-- name: select_stream_backwards(tenant_id, stream, gt, lte, limit)
select stream, version, topic, coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
  from events
 where tenant_id = :tenant_id and stream = :stream
   and version > coalesce(:gt::int, -1) and version <= coalesce(:lte::int, 2147483647)
 order by version desc limit :limit;

-- name: select_log(tenant_id, first, last, limit, stretch_bytes)
-- A stretch of the log. `first` and `last` are inclusive. What no longer fits into stretch_bytes is left
-- for the next one; the first event always fits.
select position, stream, version, topic, state
  from (select position, stream, version, topic, state,
               sum(octet_length(state)) over (order by position) - octet_length(state) as bytes_before
          from (select position, stream, version, topic,
                       coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
                  from events
                 where tenant_id = :tenant_id and position >= :first
                   and (:last::bigint is null or position <= :last)
                 order by position limit :limit) as chosen) as measured
 where :stretch_bytes::bigint is null or bytes_before < :stretch_bytes
 order by position;

-- name: select_log_of_topics(tenant_id, first, last, topics, limit, stretch_bytes)
select position, stream, version, topic, state
  from (select position, stream, version, topic, state,
               sum(octet_length(state)) over (order by position) - octet_length(state) as bytes_before
          from (select position, stream, version, topic,
                       coalesce(state, convert_to(to_json(occurred_at)::text, 'UTF8')) as state
                  from events
                 where tenant_id = :tenant_id and position >= :first
                   and (:last::bigint is null or position <= :last) and topic = any(:topics)
                 order by position limit :limit) as chosen) as measured
 where :stretch_bytes::bigint is null or bytes_before < :stretch_bytes
 order by position;

-- name: insert_snapshot(tenant_id, stream, version, topic, state)!
insert into snapshots (tenant_id, stream, version, topic, state)
values (:tenant_id, :stream, :version, :topic, :state);

-- name: share_snapshots(number, tenant_id)
select pg_advisory_xact_lock_shared(:number, :tenant_id);

-- name: replace_snapshot(tenant_id, stream, version, topic, state)!
-- One that is there already may be of another version of the code, or damaged. One of what was erased since
-- it was read is not kept; to be called with share_snapshots, so that no erasure is about to commit.
insert into snapshots (tenant_id, stream, version, topic, state)
select :tenant_id, :stream, :version, :topic, :state
 where not exists (select from events
                    where tenant_id = :tenant_id and stream = :stream and version > :version
                      and topic = 'PlayerErased')
on conflict (tenant_id, stream, version) do update set topic = excluded.topic, state = excluded.state;

-- name: select_snapshots(tenant_id, stream, gt, lte, limit)
select stream, version, topic, state from snapshots
 where tenant_id = :tenant_id and stream = :stream
   and version > coalesce(:gt::int, -1) and version <= coalesce(:lte::int, 2147483647)
 order by version limit :limit;

-- name: select_snapshots_backwards(tenant_id, stream, gt, lte, limit)
select stream, version, topic, state from snapshots
 where tenant_id = :tenant_id and stream = :stream
   and version > coalesce(:gt::int, -1) and version <= coalesce(:lte::int, 2147483647)
 order by version desc limit :limit;
