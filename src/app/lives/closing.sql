-- name: record_closing(tenant_id, closed, reason, by)!
insert into roundbook.closings (tenant_id, number, closed, reason, by, at)
select :tenant_id, coalesce(max(number), 0) + 1, :closed, :reason, :by, clock_timestamp()
  from roundbook.closings where tenant_id = :tenant_id;
