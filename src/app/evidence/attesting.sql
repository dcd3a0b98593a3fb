-- name: claim_attesting(number, tenant_id)
-- For as long as the session lasts: no transaction is held open over a log of a million streams. Two that
-- got it would be in each other's way, and no more: pages and statements are inserted once.
select pg_try_advisory_lock(:number, :tenant_id);

-- name: end_attesting(number, tenant_id)
select pg_advisory_unlock(:number, :tenant_id);
