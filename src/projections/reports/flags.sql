-- name: updates_between(tenant_id, streams, after, until, topics, always, member, limit)
-- Which updates of players, or of some, seem to name a member, or are of a topic that tells of nothing else.
select position, recorded_at, stream from events
 where tenant_id = :tenant_id and topic = any(:topics) and topic not in ('BetPlaced', 'WinPaid')
   and position > :after and position <= :until
   and (:streams::text[] is null or stream = any(:streams))
   and (topic = any(:always) or position(:member::bytea in state) > 0)
 order by position limit :limit;
