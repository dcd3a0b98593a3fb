-- name: unsealed()
-- How many logs have grown since they were last sealed.
select count(*) from tenants as t
 where coalesce((select max(position) from events where tenant_id = t.tenant_id), 0)
     > coalesce((select max(size) from checkpoints
                  where tenant_id = t.tenant_id and tree = 'log'), 0);

-- name: sealed()
-- How many events are sealed, of all tenants.
select coalesce(sum(size), 0)::bigint
  from (select max(size) as size from checkpoints where tree = 'log' group by tenant_id) as newest;

-- name: seal_lags(tenant_id, positions)
-- From the recording of each of these events until a checkpoint over it was signed, in seconds.
select extract(epoch from c.sealed_at - e.recorded_at)::float8
  from unnest(:positions::bigint[]) with ordinality as sent (position, number)
  join events e on e.tenant_id = :tenant_id and e.position = sent.position
 cross join lateral (
       select sealed_at from checkpoints
        where tenant_id = :tenant_id and tree = 'log' and size >= sent.position order by size limit 1) c
 order by sent.number;
