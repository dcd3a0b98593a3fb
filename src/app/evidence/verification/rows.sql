-- name: rows_to_verify(tenant_id, first, last)
-- The events at these positions, in order. What can be null comes after what can't.
copy (select position, recorded_at, version, occurred_at, key, salt, stream, topic, state
        from events where tenant_id = :tenant_id and position between :first and :last
       order by position) to stdout (format binary);
