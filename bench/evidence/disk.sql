-- name: parts_of_evidence()
-- The tables of evidence, each with what it keeps out of line and its indexes.
select name, pg_total_relation_size(name::regclass)
  from unnest(array['leaf_runs', 'tiles', 'checkpoints', 'anchors', 'log_keys', 'head_statements', 'head_pages',
                    'head_tiles']) as evidence (name);

-- name: copy_with_salt#
create table bench_with_salt as
    select tenant_id, position, version, recorded_at, key, stream, topic, occurred_at, state, salt
      from events order by position;

-- name: copy_without_salt#
create table bench_without_salt as
    select tenant_id, position, version, recorded_at, key, stream, topic, occurred_at, state
      from events order by position;

-- name: size_of_salts()
select pg_table_size('bench_with_salt') - pg_table_size('bench_without_salt');

-- name: drop_copies#
drop table bench_with_salt, bench_without_salt;
