-- name: attested()
-- Of each log that goes on: how far it is sealed and stated, and how many statements are made and signed.
select l.tenant_id, l.number, l.log_id, sealed.size as sealed,
       newest.size as stated, newest.made_at, newest.n + 1 as statements, signed.size as signed
  from logs l
 cross join lateral (select max(size) as size from checkpoints
                      where tenant_id = l.tenant_id and log_number = l.number and tree = 'log') sealed
 cross join lateral (select max(size) as size from checkpoints
                      where tenant_id = l.tenant_id and log_number = l.number and tree = 'heads') signed
  left join lateral (select n, size, made_at from head_statements
                      where tenant_id = l.tenant_id and log_number = l.number
                      order by n desc limit 1) newest on true
 where l.number = (select max(number) from logs where tenant_id = l.tenant_id)
   and sealed.size is not null;
