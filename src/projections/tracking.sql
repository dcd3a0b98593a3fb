-- name: advance(tenant_id, generation, position, now)
-- Nothing comes back where the generation is at that position already, or further.
insert into tracking as t (tenant_id, generation, position, live, updated_at)
values (:tenant_id, :generation, :position, false, :now)
on conflict (tenant_id, generation) do update
   set position = excluded.position, updated_at = excluded.updated_at
 where t.position < excluded.position
returning position;

-- name: position_by_name(name, generation)
select t.position from tracking t join tenants n on n.tenant_id = t.tenant_id
 where n.name = :name and t.generation = :generation;

-- name: tenant_by_name(name)
select tenant_id from tenants where name = :name;

-- name: behind()
-- The generations that have events to project, the furthest behind last in no particular favour.
select t.tenant_id, t.generation
  from tracking t
 cross join lateral (
       select max(position) as head from events where tenant_id = t.tenant_id offset 0) e
 where e.head > t.position
 order by t.tenant_id, t.generation;

-- name: claim(tenant_id, generation)
-- The claim on a generation, held until the transaction ends; nothing comes back while another holds it.
select position from tracking
 where tenant_id = :tenant_id and generation = :generation
   for update skip locked;

-- name: live(tenant_id)
-- The generation that queries read, and how far it is.
select generation, position from tracking where tenant_id = :tenant_id and live;
