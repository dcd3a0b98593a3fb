-- name: erased_between(tenant_id, first, last)
select position, commitment, record_position from erased
 where tenant_id = :tenant_id and position between :first and :last order by position;

-- name: records_at(tenant_id, positions)
-- The records of erasures among these positions.
select position, stream, state from events
 where tenant_id = :tenant_id and position = any(:positions) and topic = 'PlayerErased';

-- name: erased_by(tenant_id, record_position)
select position from erased where tenant_id = :tenant_id and record_position = :record_position order by position;

-- name: erased_outside(tenant_id, last)
-- A position that is erased and is none of the log's, which was verified up to `last` and may have grown.
select position from erased
 where tenant_id = :tenant_id
   and (position < 1 or position > greatest(:last, (
       select coalesce(max(position), 0) from events where tenant_id = :tenant_id)))
 order by position limit 1;
