-- name: newest_rule(tenant_id)
select time_zone, starts_at_minute, number from roundbook.day_rules
 where tenant_id = :tenant_id order by number desc limit 1;

-- name: live_rule(tenant_id)
-- That of what queries read. Before the first event it is the newest.
select d.time_zone, d.starts_at_minute, d.number
  from tracking t
  left join roundbook.day_rules d
    on d.tenant_id = :tenant_id
   and d.number = case when t.position > 0 then (t.versions ->> 'gaming_day')::int
                       else (select max(number) from roundbook.day_rules where tenant_id = :tenant_id) end
 where t.tenant_id = :tenant_id and t.live;

-- name: set_rule(tenant_id, number, time_zone, starts_at_minute)!
insert into roundbook.day_rules (tenant_id, number, time_zone, starts_at_minute, set_at)
values (:tenant_id, :number, :time_zone, :starts_at_minute, now());
