-- name: erasable(tenant_id, stream, personal, record_topic, before)
-- Where the log holds what can be erased of a stream: what is personal, and from before a time all else.
select position from events
 where tenant_id = :tenant_id and stream = :stream and state is not null
   and (topic = any(:personal) or (occurred_at < :before::timestamptz and topic <> :record_topic))
 order by version;

-- name: conflicts_at(tenant_id, positions)
-- What was refused because of events at these positions.
select number from conflicts
 where tenant_id = :tenant_id and position = any(:positions) and data is not null;

-- name: personal_conflicts(tenant_id, after, personal, limit)
-- What was refused of what is personal, by number.
select number, data from conflicts
 where tenant_id = :tenant_id and number > :after and event = any(:personal) and data is not null
 order by number limit :limit;

-- name: shut_out_snapshots(number, tenant_id)
-- Until the transaction ends nobody takes a snapshot of what is about to go (see replace_snapshot).
select pg_advisory_xact_lock(:number, :tenant_id);

-- name: erase(tenant_id, record_position, positions, numbers)
select erase(:tenant_id, :record_position, :positions::bigint[], :numbers::bigint[]);

-- name: delete_snapshots(tenant_id, stream)!
delete from snapshots where tenant_id = :tenant_id and stream = :stream;

-- name: forget_refused(tenant_id, player_id)!
-- What was left out of batches is no part of the log, so there is no record of it to make.
delete from roundbook.refused_items where tenant_id = :tenant_id and :player_id::text = any(player_ids);
