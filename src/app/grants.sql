-- What the role that serves may do with the log, and no more: it adds to it and can never change it.
-- `{service}` is the role of ROUNDBOOK_DATABASE_URL. Run by the owner after every migration.
grant usage on schema roundbook to {service};
grant select on all tables in schema roundbook to {service};
grant insert on events, conflicts, logs, leaf_runs, accesses to {service};
grant insert on log_keys, tiles, checkpoints, anchors to {service};
grant insert, update, delete on sealing to {service};
grant insert on head_statements to {service};
grant insert, delete on head_pages, head_tiles to {service};
grant insert, update on tenants, tenant_currencies, api_keys to {service};
grant insert, update, delete on snapshots to {service};
grant insert, update, delete on rate_limits, rate_buckets to {service};
