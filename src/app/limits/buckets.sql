-- name: take(tenant_id, key_id, what, cost, slack)^
-- Take from one bucket, all that is asked for or nothing; either way tell in how many seconds it is full. The
-- clock is read when the row is locked: who waits for it finds what came in meanwhile.
with taken as (
    insert into rate_buckets as b (tenant_id, key_id, what, full_at)
    values (:tenant_id, :key_id, :what, roundbook.later(clock_timestamp(), :cost::bigint))
    on conflict (tenant_id, key_id, what) do update
       set full_at = roundbook.later(greatest(b.full_at, roundbook.bucket_clock()), :cost::bigint)
     where b.full_at <= roundbook.later(roundbook.bucket_clock(), :slack::bigint)
    returning full_at
), found as (
    select true as granted, full_at from taken
    union all
    select false, full_at from rate_buckets
     where tenant_id = :tenant_id and key_id = :key_id and what = :what and not exists (select from taken)
)
select coalesce(bool_or(granted), false) as granted,
       coalesce(extract(epoch from max(full_at) - clock_timestamp()), 0)::float8 as debt_s
  from found;
