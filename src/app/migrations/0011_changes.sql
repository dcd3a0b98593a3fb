-- Which transaction added a row, so that who looks for what is new reads that alone, however many tenants there
-- are. Snapshots tell which transactions a look has not seen: none is left out, however long one takes and in
-- whatever order they end. Rows from before, and what is restored from a dump, are found by a look at all tenants.
alter table leaf_runs add column xid xid8;
alter table leaf_runs alter column xid set default pg_current_xact_id();
create index leaf_runs_by_xid on leaf_runs (xid) where xid is not null;

alter table accesses add column xid xid8;
alter table accesses alter column xid set default pg_current_xact_id();
create index accesses_by_xid on accesses (xid) where xid is not null;

alter table checkpoints add column xid xid8;
alter table checkpoints alter column xid set default pg_current_xact_id();
create index checkpoints_by_xid on checkpoints (xid) where xid is not null;
