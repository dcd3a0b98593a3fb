-- name: is_cluster()
select exists (select from pg_extension where extname = 'citus');

-- name: sequentially()
-- Of this transaction alone. Several tables are changed over one connection to each node. The triggers are ours:
-- on a node they look at nothing but what it has of the same tenant.
select set_config('citus.multi_shard_modify_mode', 'sequential', true),
       set_config('citus.enable_unsafe_triggers', 'on', true);

-- name: distributed()
-- A table beside which others are put.
select 'roundbook.' || quote_ident(c.relname)
  from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid
 where c.relnamespace = 'roundbook'::regnamespace and p.partmethod = 'h' order by c.relname limit 1;

-- name: undistributed(shared, local)
-- Those that every node is to have whole first, in the order given, as others refer to them: those named, and what is
-- of no tenant.
select c.relname::text as name, s.place is not null or a.attname is null as is_shared, c.relpersistence = 'u' as is_unlogged
  from pg_class c
  left join unnest(:shared::text[]) with ordinality as s (name, place) on s.name = c.relname
  left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
 where c.relnamespace = 'roundbook'::regnamespace and c.relkind = 'r' and c.relname <> all(:local::text[])
   and not exists (select from pg_dist_partition p where p.logicalrelid = c.oid)
 order by s.place, a.attname nulls first, c.relname;

-- name: triggers(table)
select tgname::text as name, pg_get_triggerdef(oid) as definition
  from pg_trigger where tgrelid = ('roundbook.' || quote_ident(:table))::regclass and not tgisinternal
 order by tgname;

-- name: share(table)
select create_reference_table(('roundbook.' || quote_ident(:table))::regclass);

-- name: distribute(table, beside)
select create_distributed_table(('roundbook.' || quote_ident(:table))::regclass, 'tenant_id', colocate_with => :beside);

-- name: by_node(tenant_ids)
-- What is of one tenant is on one node.
select array_agg(t.tenant_id) as tenant_ids
  from unnest(:tenant_ids::int[]) as t (tenant_id)
 cross join (select min(logicalrelid::oid) as of_tenants from pg_dist_partition p
               join pg_class c on c.oid = p.logicalrelid
              where c.relnamespace = 'roundbook'::regnamespace and p.partmethod = 'h') as d
  join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column(d.of_tenants, t.tenant_id)
 group by p.groupid;
