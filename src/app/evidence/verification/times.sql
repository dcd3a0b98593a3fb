-- name: impossible_times(tenant_id, log_number)
-- Times of a tenant that no clock shows: infinite, or of years that have no four digits. Each with the
-- position that it is told of.
select greatest(position, 1) as position, what, at::text as value
  from (select 1::bigint as position, 'the entry of log ' || number as what, created_at as at
          from logs where tenant_id = :tenant_id
        union all
        select from_size, 'the log''s key ' || number, added_at
          from log_keys where tenant_id = :tenant_id and log_number = :log_number
        union all
        select case tree when 'log' then size else 1 end, 'the checkpoint of size ' || size || ' of ' || tree, sealed_at
          from checkpoints where tenant_id = :tenant_id and log_number = :log_number
        union all
        select case tree when 'log' then size else 1 end,
               'what ' || target || ' gave for the checkpoint of size ' || size || ' of ' || tree, anchored_at
          from anchors where tenant_id = :tenant_id and log_number = :log_number
        union all
        select size, 'the statement of heads ' || n, made_at
          from head_statements where tenant_id = :tenant_id and log_number = :log_number
        union all
        select 1, 'the access ' || number, accessed_at from accesses where tenant_id = :tenant_id
        union all
        select 1, 'the hold ' || number, at from holds where tenant_id = :tenant_id
        union all
        select position, 'the refused item ' || number, received_at from conflicts where tenant_id = :tenant_id
        union all
        select 1, 'the tenant', created_at from tenants where tenant_id = :tenant_id
        union all
        select 1, 'the state of sealing', time
          from sealing cross join lateral (values (failed_at), (found_at), (unstated_at), (rebuilt_anyway_at)) as times (time)
         where tenant_id = :tenant_id
       ) as entered
 where at < '0001-01-01 00:00:00+00' or at >= '10000-01-01 00:00:00+00'
 order by position;
