-- name: lock_generations(tenant_id)
-- All generations of a tenant, held until the transaction ends: nobody projects, begins or ends one.
select generation as number, position, live, retired, versions from tracking
 where tenant_id = :tenant_id order by generation for update;

-- name: generations(tenant_id)
select generation as number, position, live, retired, versions from tracking
 where tenant_id = :tenant_id order by generation;

-- name: begin_generation(tenant_id, generation, versions, now)!
insert into tracking (tenant_id, generation, position, live, versions, updated_at)
values (:tenant_id, :generation, 0, false, :versions::jsonb, :now);

-- name: retire(tenant_id, generation, now)!
-- From here on nobody reads or projects it, and its rows may be deleted.
update tracking set live = false, retired = true, updated_at = :now
 where tenant_id = :tenant_id and generation = :generation;

-- name: make_live(tenant_id, generation, now)!
update tracking set live = true, updated_at = :now
 where tenant_id = :tenant_id and generation = :generation;

-- name: hold_live(tenant_id)
-- The claim on the live generation: while it is held, that does not move. Waits for who projects it.
select position from tracking where tenant_id = :tenant_id and live for update;

-- name: forget_generation(tenant_id, generation)!
delete from tracking where tenant_id = :tenant_id and generation = :generation and retired;

-- name: claim_rebuild(number, tenant_id)
-- For as long as the session lasts. Nothing depends on it but that a second rebuild can say why it does
-- nothing: both would be right, as each chunk is claimed.
select pg_try_advisory_lock(:number, :tenant_id);

-- name: end_rebuild(number, tenant_id)
select pg_advisory_unlock(:number, :tenant_id);

-- name: unkept(versions)
-- Whose live read models are of other versions of the code or by other days than the newest rule's, and who has
-- retired ones.
select tenant_id, live and versions <> wanted as is_other, retired as is_retired, versions as built_with, wanted
  from (select t.tenant_id, t.generation, t.position, t.live, t.retired, t.versions,
               case when d.number is null then :versions::jsonb
                    else :versions::jsonb || jsonb_build_object('gaming_day', d.number) end as wanted
          from tracking t
          left join (select tenant_id, max(number) as number from roundbook.day_rules group by tenant_id) d
            on d.tenant_id = t.tenant_id) as kept
 where retired or live and position > 0 and versions <> wanted
 order by tenant_id, generation;

-- name: columns(table)
select attname::text from pg_attribute
 where attrelid = (:table)::regclass and attnum > 0 and not attisdropped
 order by attnum;

-- name: primary_key(table)
select a.attname::text
  from pg_index i
 cross join lateral unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
 where i.indrelid = (:table)::regclass and i.indisprimary
 order by k.place;
