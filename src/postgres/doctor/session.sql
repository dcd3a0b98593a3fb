-- name: who_answers()
select pg_catalog.pg_backend_pid();

-- name: only_ask()
select pg_catalog.set_config(name, value, false)
  from (values ('default_transaction_read_only', 'on'), ('search_path', 'pg_catalog, pg_temp'),
               ('DateStyle', 'ISO, YMD'), ('extra_float_digits', '1'),  -- in which answers are read
               ('statement_timeout', '60s'), ('lock_timeout', '60s'), ('role', 'none')) as v (name, value);
