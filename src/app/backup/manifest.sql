-- name: logs_there()
-- Events are counted, and not only looked for at the end: that none is missing is to be found out.
select t.tenant_id, t.name as tenant, encode(l.log_id, 'hex') as log_id, coalesce(e.events, 0) as events,
       coalesce(e.position, 0) as position, coalesce(c.size, 0) as sealed, encode(c.root, 'hex') as root
  from tenants t
  left join (select tenant_id, count(*) as events, max(position) as position from events group by tenant_id) e
    on e.tenant_id = t.tenant_id
  left join lateral (
       select number, log_id from logs where tenant_id = t.tenant_id order by number desc limit 1) l on true
  left join lateral (
       select size, root from checkpoints
        where tenant_id = t.tenant_id and log_number = l.number and tree = 'log'
        order by size desc limit 1) c on true
 order by t.tenant_id;
