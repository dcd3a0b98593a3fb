-- name: newest_of_log(tenant_id, after, until, topics, at_or_after, before, limit, limit_bytes)
-- Events of the log between two positions, the newest first. Of those that no longer fit into limit_bytes the state is
-- left out; the first one always fits. That of an event that was erased is null as JSON has it.
select position, stream, version, topic, recorded_at, erased,
       case when sum(octet_length(state)) over (order by position desc) - octet_length(state) < :limit_bytes
            then state end as state
  from (select position, stream, version, topic, recorded_at, coalesce(state, 'null') as state,
               case when state is null then
                    (select record_position from erased e
                      where e.tenant_id = :tenant_id and e.position = events.position) end as erased
          from events
         where tenant_id = :tenant_id and position > :after and position <= :until
           and (:topics::text[] is null or topic = any(:topics))
           and (:at_or_after::timestamptz is null or occurred_at >= :at_or_after)
           and (:before::timestamptz is null or occurred_at < :before)
         order by position desc limit :limit) as chosen
 order by position desc;

-- name: newest_of_stream(tenant_id, stream, first_version, last_version, after, until, topics, at_or_after, before, limit, limit_bytes)
-- The same of one stream, in which positions grow with versions.
select position, stream, version, topic, recorded_at, erased,
       case when sum(octet_length(state)) over (order by position desc) - octet_length(state) < :limit_bytes
            then state end as state
  from (select position, stream, version, topic, recorded_at, coalesce(state, 'null') as state,
               case when state is null then
                    (select record_position from erased e
                      where e.tenant_id = :tenant_id and e.position = events.position) end as erased
          from events
         where tenant_id = :tenant_id and stream = :stream
           and version between :first_version and :last_version
           and position > :after and position <= :until
           and (:topics::text[] is null or topic = any(:topics))
           and (:at_or_after::timestamptz is null or occurred_at >= :at_or_after)
           and (:before::timestamptz is null or occurred_at < :before)
         order by version desc limit :limit) as chosen
 order by position desc;

-- name: newest_of_rare_topic(tenant_id, topic, after, until, at_or_after, before, limit, limit_bytes)
-- The same of one rare topic, by an index of its own.
select position, stream, version, topic, recorded_at, erased,
       case when sum(octet_length(state)) over (order by position desc) - octet_length(state) < :limit_bytes
            then state end as state
  from (select position, stream, version, topic, recorded_at, coalesce(state, 'null') as state,
               case when state is null then
                    (select record_position from erased e
                      where e.tenant_id = :tenant_id and e.position = events.position) end as erased
          from events
         where tenant_id = :tenant_id and topic = :topic and topic not in ('BetPlaced', 'WinPaid')
           and position > :after and position <= :until
           and (:at_or_after::timestamptz is null or occurred_at >= :at_or_after)
           and (:before::timestamptz is null or occurred_at < :before)
         order by position desc limit :limit) as chosen
 order by position desc;

-- name: begin_of_rare_stretch(tenant_id, topic, after, until, length)
-- Where the newest stretch of so many events of a rare topic begins; nothing comes back where there are fewer.
select position from events
 where tenant_id = :tenant_id and topic = :topic and topic not in ('BetPlaced', 'WinPaid')
   and position > :after and position <= :until
 order by position desc offset :length - 1 limit 1;
