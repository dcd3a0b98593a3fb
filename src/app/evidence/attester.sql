-- name: attested(tenant_ids)
-- Of each log that goes on of these tenants: how far it is sealed and stated, and how many
-- statements are made and signed.
select l.tenant_id, l.number, l.log_id, sealed.size as sealed,
       newest.size as stated, newest.made_at, newest.n + 1 as statements, signed.size as signed, s.unstated
  from logs l
  left join sealing s on s.tenant_id = l.tenant_id
 cross join lateral (select max(size) as size from checkpoints
                      where tenant_id = l.tenant_id and log_number = l.number and tree = 'log') sealed
 cross join lateral (select max(size) as size from checkpoints
                      where tenant_id = l.tenant_id and log_number = l.number and tree = 'heads') signed
  left join lateral (select n, size, made_at from head_statements
                      where tenant_id = l.tenant_id and log_number = l.number
                      order by n desc limit 1) newest on true
 where l.tenant_id = any(:tenant_ids::int[])
   and l.number = (select max(number) from logs where tenant_id = l.tenant_id) and sealed.size is not null;

-- name: set_unstated(tenant_id, reason, now)!
-- Why the heads of a log are not stated, null where they are.
update sealing set unstated = :reason, unstated_at = case when :reason::text is null then null else :now end
 where tenant_id = :tenant_id and unstated is distinct from :reason;
