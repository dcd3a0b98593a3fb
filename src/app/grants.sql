-- What the role that serves may do with the log, and no more: it adds to it and can never change it.
-- `{service}` is the role of ROUNDBOOK_DATABASE_URL. Run by the owner after every migration.
grant usage on schema roundbook to {service};
grant select on all tables in schema roundbook to {service};
grant insert on events to {service};
grant insert on log_keys, tiles, checkpoints, anchors to {service};
grant insert, update on sealing to {service};
revoke delete on sealing from {service};
grant insert on head_statements to {service};
grant insert, delete on head_pages, head_tiles to {service};
grant insert, update, delete on snapshots to {service};
grant insert, update, delete on rate_limits, rate_buckets to {service};
grant insert, update, delete on refused_items to {service};
grant insert, update, delete on subscriptions to {service};
-- What was restored without its privileges is everybody's to call, `erase` too.
revoke all on all functions in schema roundbook from public;
-- With the rights of who asks: an auditor may ask too.
grant execute on function log_head(int), roundbook.bucket_clock(),
    roundbook.later(timestamptz, bigint) to public;
grant execute on function lock_log(int), add_leaf_run(int, int, bigint, bytea),
    begin_log(int, bytea, bytea, text),
    register_conflict(int, bigint, bytea, bytea, text, text, bytea),
    record_accesses(int, int[], text[], text[], text[], text[]),
    add_tenant(text, text[]), allow_currency(int, text), key_of(bytea), keys_of(int),
    make_key(bytea, int, text[], text, timestamptz), revoke_key(int), roundbook.notice_history(),
    roundbook.disallow_currency(int, text), roundbook.end_key(int, timestamptz), roundbook.note_key_use(int)
  to {service};

-- Hosts of a version that doesn't know step 8 write these themselves. Where it found tenants, such hosts may be
-- at work: they keep their rights for a day, until the first migration or start with the owner's credential after it.
do $$
begin
    if exists (select from migrations m join tenants t on t.created_at < m.applied_at
                where m.number = 8 and m.applied_at > now() - interval '1 day')
    then
        grant insert on conflicts, logs, leaf_runs, accesses to {service};
        grant insert, update on tenants, tenant_currencies, api_keys to {service};
    else
        revoke insert on conflicts, logs, leaf_runs, accesses from {service};
        revoke insert, update on tenants, tenant_currencies from {service};
        revoke select, insert, update on api_keys from {service};
    end if;
end
$$;
