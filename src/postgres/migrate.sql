-- name: applied()
-- Since which step code can go on with each is a column of step 0013, and not there before it.
select number, (to_jsonb(m) ->> 'compatible_since')::int as compatible_since from roundbook.migrations m;

-- name: has_schema()^
select to_regnamespace('roundbook') is not null;

-- name: create_schema()!
create schema roundbook;

-- name: create_migrations()!
create table if not exists roundbook.migrations
       (number int primary key, name text not null, applied_at timestamptz not null);

-- name: migrated(number, name)!
insert into roundbook.migrations (number, name, applied_at) values (:number, :name, now());

-- name: compatible(number, since)!
update roundbook.migrations set compatible_since = :since where number = :number;

-- name: take_lock(number)
select pg_advisory_xact_lock(:number);

-- name: try_lock(number)^
select pg_try_advisory_xact_lock(:number);
