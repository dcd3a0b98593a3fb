-- name: versions_before(tenant_id, streams, versions)
-- Where the version before each of these is, null if it is not there.
select s.stream, s.version,
       (select max(position) from events
         where tenant_id = :tenant_id and stream = s.stream and version = s.version::bigint - 1) as position
  from unnest(:streams::text[], :versions::int[]) as s (stream, version);

-- name: has_unique_versions()
-- Whether PostgreSQL itself keeps versions and positions from being there twice.
select count(*) = 2
  from (values ('{tenant_id,position}'), ('{tenant_id,stream,version}')) as keys (columns)
 where exists (
       select 1 from pg_index i
        where i.indrelid = 'events'::regclass and i.indisunique and i.indisvalid and i.indpred is null
          and (select array_agg(a.attname order by k.place)
                 from unnest(i.indkey::smallint[]) with ordinality as k (number, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number) = keys.columns::name[]);
