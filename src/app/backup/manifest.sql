-- name: logs_there()
-- Events are counted, and not only looked for at the end: that none is missing is to be found out.
select t.tenant_id, t.name as tenant, encode(l.log_id, 'hex') as log_id, coalesce(e.events, 0) as events,
       coalesce(e.position, 0) as position, coalesce(c.size, 0) as sealed, encode(c.root, 'hex') as root
  from tenants t
  left join (select tenant_id, count(*) as events, max(position) as position from events group by tenant_id) e
    on e.tenant_id = t.tenant_id
  left join (select distinct on (tenant_id) tenant_id, number, log_id from logs
              order by tenant_id, number desc) l on l.tenant_id = t.tenant_id
  left join (select distinct on (tenant_id, log_number) tenant_id, log_number, size, root from checkpoints
              where tree = 'log' order by tenant_id, log_number, size desc) c
    on c.tenant_id = t.tenant_id and c.log_number = l.number
 order by t.tenant_id;
