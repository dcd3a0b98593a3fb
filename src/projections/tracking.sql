-- name: begin(tenant_id, now)!
-- The first generation of the read models, at the beginning of the log.
insert into tracking (tenant_id, generation, position, live, updated_at)
values (:tenant_id, 1, 0, true, :now);

-- name: advance(tenant_id, generation, position, versions, now)
-- Nothing comes back where the generation is at that position already, or further. What it failed at is
-- behind it then. The versions are those of the code that projected the first event.
insert into tracking as t (tenant_id, generation, position, live, versions, updated_at)
values (:tenant_id, :generation, :position, false, :versions::jsonb, :now)
on conflict (tenant_id, generation) do update
   set position = excluded.position, updated_at = excluded.updated_at,
       versions = case when t.position = 0 then excluded.versions else t.versions end,
       failed_position = null, failure = null, failed_at = null
 where t.position < excluded.position
returning position;

-- name: position_by_name(name, generation)
select t.position from tracking t join tenants n on n.tenant_id = t.tenant_id
 where n.name = :name and t.generation = :generation;

-- name: tenant_by_name(name)
select tenant_id from tenants where name = :name;

-- name: appended(first, last, was_open, most)
-- The tenants whose logs grew by what the snapshot of an earlier look did not show. One query over both, so that on a
-- cluster it goes to each shard once.
select tenant_id
  from (select tenant_id from leaf_runs where xid >= :first::xid8 and xid < :last::xid8
         union all
        select tenant_id from leaf_runs where xid = any(:was_open::xid8[])) as added
 limit :most;

-- name: live_tenants()
select tenant_id from tracking where live;

-- name: behind(tenant_ids)
-- The generations of these tenants that have events to project, how many, and since when the
-- first of them waits; those with the least to do first, so that a long way to go is never before a short one. One in the making is
-- for its rebuild to bring forward; it is listed only if that failed.
select t.tenant_id, t.generation, t.live, t.failed_position, e.head - t.position as events,
       (select recorded_at from events
         where tenant_id = t.tenant_id and position = t.position + 1) as waiting_since
  from tracking t
 cross join lateral (select max(position) as head from events where tenant_id = t.tenant_id) e
 where t.tenant_id = any(:tenant_ids::int[]) and not t.retired and e.head > t.position and (t.live or t.failed_position is not null)
 order by e.head - t.position, t.tenant_id, t.generation;

-- name: behind_alone(tenant_id)
-- The same of one tenant: on a cluster it goes to that one's node, whichever others are away.
select t.tenant_id, t.generation, t.live, t.failed_position, e.head - t.position as events,
       (select recorded_at from events
         where tenant_id = :tenant_id and position = t.position + 1) as waiting_since
  from tracking t
 cross join (select max(position) as head from events where tenant_id = :tenant_id) e
 where t.tenant_id = :tenant_id and not t.retired and e.head > t.position and (t.live or t.failed_position is not null)
 order by t.generation;

-- name: claim(tenant_id, generation)
-- The claim on a generation, held until the transaction ends; nothing comes back while another holds it. The first
-- event decides by which days it is made.
select t.position, t.live, t.versions, t.failed_position,
       (select recorded_at from events
         where tenant_id = :tenant_id and position = t.position + 1) as next_recorded_at,
       d.time_zone, d.starts_at_minute, d.number
  from tracking t
  left join roundbook.day_rules d
    on d.tenant_id = :tenant_id
   and d.number = case when t.position > 0 then (t.versions ->> 'gaming_day')::int
                       else (select max(number) from roundbook.day_rules where tenant_id = :tenant_id) end
 where t.tenant_id = :tenant_id and t.generation = :generation and not t.retired
   for update of t skip locked;

-- name: fail(tenant_id, generation, position, reason, now)!
-- Say that the event at a position can't be projected. Nothing is written where that is said already, or
-- where another projector has got beyond it.
update tracking
   set failed_position = :position, failure = :reason, failed_at = coalesce(failed_at, :now)
 where tenant_id = :tenant_id and generation = :generation and position < :position
   and (failed_position is distinct from :position or failure is distinct from :reason);

-- name: live(tenant_id)
-- The generation that queries read, how far it is, and by which days it is made: the newest where nothing is yet.
select t.generation, t.position, d.time_zone, d.starts_at_minute, d.number
  from tracking t
  left join roundbook.day_rules d
    on d.tenant_id = :tenant_id
   and d.number = case when t.position > 0 then (t.versions ->> 'gaming_day')::int
                       else (select max(number) from roundbook.day_rules where tenant_id = :tenant_id) end
 where t.tenant_id = :tenant_id and t.live;
