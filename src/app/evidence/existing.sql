-- name: one_at_a_time()!
-- Two processes that seal may start at once.
select pg_advisory_xact_lock(x'65786973'::int);

-- name: never_sealed()
-- The logs of which no key and no checkpoint is kept, the first ones of their tenants.
select tenant_id, number, log_id from logs l
 where number = (select max(number) from logs where tenant_id = l.tenant_id) and number = 1
   and not exists (select from log_keys where tenant_id = l.tenant_id)
   and not exists (select from checkpoints where tenant_id = l.tenant_id)
 order by tenant_id;
