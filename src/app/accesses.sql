-- name: record_accesses(tenant_id, key_ids, methods, paths, queries, last_event_ids)
select record_accesses(:tenant_id, :key_ids::int[], :methods::text[], :paths::text[], :queries::text[],
                       :last_event_ids::text[]);

-- name: find_accesses(tenant_id, key_id, at_or_after, before, below, limit, limit_bytes)
-- By number, newest first. Times are looked up as numbers, along which they never decrease. Of those that no
-- longer fit into limit_bytes the query is left out; the first one always fits.
select number, accessed_at, key_id, method, path,
       case when sum(bytes) over (order by number desc) - bytes < :limit_bytes then query end as query,
       last_event_id
  from (select *, octet_length(path) + octet_length(query) as bytes from accesses
         where tenant_id = :tenant_id and number < :below
           and (:key_id::bigint is null or key_id = :key_id)
           and (:at_or_after::timestamptz is null or number >= (
               select number from accesses where tenant_id = :tenant_id and accessed_at >= :at_or_after
                order by accessed_at, number limit 1))
           and (:before::timestamptz is null or number <= (
               select number from accesses where tenant_id = :tenant_id and accessed_at < :before
                order by accessed_at desc, number desc limit 1))
         order by number desc limit :limit) as chosen
 order by number desc;

-- name: accesses_between(tenant_id, first, last)
select number, accessed_at, key_id, method, path, query, last_event_id from accesses
 where tenant_id = :tenant_id and number >= :first and number <= :last
 order by number;
