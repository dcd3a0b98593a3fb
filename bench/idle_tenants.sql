-- name: fill(tenants, versions)!
-- So many tenants with a log of one event, shown, sealed and stated: nothing is left to do for them.
with made as (
    insert into tenants (tenant_id, name, created_at)
    select n, 'idle-' || n, now() from generate_series(1, :tenants) as n returning tenant_id),
begun as (
    insert into logs (tenant_id, number, log_id, created_at)
    select tenant_id, 1, uuid_send(gen_random_uuid()), now() from made returning tenant_id, log_id),
recorded as (
    insert into events (tenant_id, position, version, recorded_at, key, stream, topic, occurred_at, salt, state)
    select tenant_id, 1, 1, now(), log_id, 'player:p', 'LoggedIn', now(), '', '{}' from begun),
hashed as (
    insert into leaf_runs (tenant_id, log_number, first_position, hashes)
    select tenant_id, 1, 1, sha256(log_id) from begun),
shown as (
    insert into tracking (tenant_id, generation, position, live, versions, updated_at)
    select tenant_id, 1, 1, true, :versions::jsonb, now() from begun),
sealed as (
    insert into checkpoints (tenant_id, log_number, tree, size, root, note, sealed_at)
    select tenant_id, 1, tree, 1, sha256(log_id), '', now() from begun, unnest('{log,heads}'::text[]) as tree),
stated as (
    insert into head_statements (tenant_id, log_number, n, size, statement, made_at)
    select tenant_id, 1, 0, 1,
           '\x01'::bytea || log_id || int8send(1) || sha256(log_id) || int8send(1) || sha256(log_id), now()
      from begun)
insert into head_pages (tenant_id, log_number, n, page, first_stream, entries, hashes)
select tenant_id, 1, 0, 0, 'player:p', '', sha256(log_id) from begun;

-- name: sessions()
select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
