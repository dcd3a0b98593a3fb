-- name: live_and_head(tenant_id)^
-- What queries read, how far it is, by which code it is built, and where the log ends.
select t.generation, t.position, t.versions,
       coalesce((select max(position) from events where tenant_id = :tenant_id), 0) as head
  from tracking t
 where t.tenant_id = :tenant_id and t.live;
