-- name: accesses_between(tenant_id, first, last)
select number, accessed_at, key_id, method, path, query, last_event_id from accesses
 where tenant_id = :tenant_id and number between :first and :last order by number;

-- name: number_of_accesses(tenant_id)
select coalesce(max(number), 0) from accesses where tenant_id = :tenant_id;
