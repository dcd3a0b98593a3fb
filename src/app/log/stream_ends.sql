-- name: stream_ends(tenant_id, after, until, limit)
-- The streams that follow one, in order, each with its last version up to a position and where that is; null
-- for one that begins later. A loose index scan: it steps from stream to stream, whatever their lengths.
with recursive following (stream, place) as (
    (select stream, 1 from events
      where tenant_id = :tenant_id and stream > :after::text collate "C"
      order by stream limit 1)
    union all
    select (select e.stream from events e
             where e.tenant_id = :tenant_id and e.stream > f.stream
             order by e.stream limit 1), f.place + 1
      from following f where f.stream is not null and f.place < :limit
)
select f.stream, last.version, last.position
  from following f
  left join lateral (
       select version, position from events
        where tenant_id = :tenant_id and stream = f.stream and position <= :until
        order by version desc limit 1) last on true
 where f.stream is not null
 order by f.place;
