-- name: register_refused(tenant_id, content_hashes, dialects, unique_ids, events, player_ids, datas, faults)!
-- In the order of the hashes, so that two who register the same don't wait for each other. player_ids: of each a
-- JSON array.
insert into roundbook.refused_items as r
       (tenant_id, content_hash, received_at, last_received_at, times, dialect, unique_id, event, player_ids, data,
        faults)
select :tenant_id, i.content_hash, clock_timestamp(), clock_timestamp(), 1, i.dialect, i.unique_id, i.event,
       array(select jsonb_array_elements_text(i.player_ids::jsonb)), i.data, i.faults
  from unnest(:content_hashes::bytea[], :dialects::text[], :unique_ids::text[], :events::text[], :player_ids::text[], :datas::bytea[],
              :faults::bytea[]) as i (content_hash, dialect, unique_id, event, player_ids, data, faults)
 order by i.content_hash
    on conflict (tenant_id, content_hash) do update
   set last_received_at = excluded.last_received_at, times = r.times + 1, faults = excluded.faults;

-- name: trim_refused(tenant_id, most_items, most_bytes)!
-- The newest stay. Null for the tenant: of each.
delete from roundbook.refused_items r
 using (select tenant_id, content_hash,
               row_number() over newest_first as nth,
               sum(coalesce(octet_length(data), 0) + octet_length(faults)) over newest_first as bytes
          from roundbook.refused_items
         where :tenant_id::int is null or tenant_id = :tenant_id
        window newest_first as (partition by tenant_id order by last_received_at desc, content_hash)) as held
 where r.tenant_id = held.tenant_id and r.content_hash = held.content_hash
   and (held.nth > :most_items or held.bytes > :most_bytes);

-- name: forget_refused(kept_s)!
delete from roundbook.refused_items where last_received_at < now() - :kept_s * interval '1 second';

-- name: find_refused(tenant_id, unique_id, event, player_id, at_or_after, before, kept_s, after_at, after_hash, limit, limit_bytes)
-- What was refused, the last first. Of what no longer fits into limit_bytes the faults are left out; the first one
-- always fits. What is kept no longer isn't shown, though it may be there for some minutes more.
select content_hash, received_at, last_received_at, times, dialect, unique_id, event, player_ids,
       case when sum(bytes) over in_order - bytes < :limit_bytes then coalesce(data, 'null') end as data,
       case when sum(bytes) over in_order - bytes < :limit_bytes then faults end as faults
  from (select r.*, coalesce(octet_length(r.data), 0) + octet_length(r.faults) as bytes
          from roundbook.refused_items r
         where r.tenant_id = :tenant_id
           and r.last_received_at >= clock_timestamp() - :kept_s * interval '1 second'
           and (:after_at::timestamptz is null or (r.received_at, r.content_hash) < (:after_at, :after_hash::bytea))
           and (:unique_id::text is null or r.unique_id = :unique_id)
           and (:event::text is null or r.event = :event)
           and (:player_id::text is null or r.player_ids @> array[:player_id::text])
           and (:at_or_after::timestamptz is null or r.received_at >= :at_or_after)
           and (:before::timestamptz is null or r.received_at < :before)
         order by r.received_at desc, r.content_hash desc limit :limit) as chosen
window in_order as (order by received_at desc, content_hash desc)
 order by received_at desc, content_hash desc;
