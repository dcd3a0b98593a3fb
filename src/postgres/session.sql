-- name: take_over(names, values, checked, answering)
-- Gives a new session the settings that we count on, and tells what others are that can't be given. Where another
-- process than `answering` does, a pooler is between, and the session is not ours: they last for the statement.
-- Settings that this version of PostgreSQL does not know are left out. All names are qualified, as the
-- search path may lead anywhere until this is done.
select name, pg_catalog.set_config(name, value, pg_catalog.pg_backend_pid() operator(pg_catalog.<>) :answering) as value
  from rows from (pg_catalog.unnest(:names::pg_catalog.text[]), pg_catalog.unnest(:values::pg_catalog.text[]))
       as pinned (name, value)
 where pg_catalog.current_setting(name, true) is not null
 union all
select name, pg_catalog.current_setting(name, true)
  from pg_catalog.unnest(:checked::pg_catalog.text[]) as checked (name)
 union all
select 'backend_pid', pg_catalog.pg_backend_pid()::pg_catalog.text;
