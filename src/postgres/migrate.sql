-- name: applied()
select number from roundbook.migrations;

-- name: has_schema()^
select to_regnamespace('roundbook') is not null;

-- name: create_schema()!
create schema roundbook;

-- name: create_migrations()!
create table if not exists roundbook.migrations
       (number int primary key, name text not null, applied_at timestamptz not null);

-- name: migrated(number, name)!
insert into roundbook.migrations values (:number, :name, now());

-- name: begin_migrating(number)
select pg_advisory_lock(:number);

-- name: end_migrating(number)
select pg_advisory_unlock(:number);

-- name: take_lock(number)
select pg_advisory_xact_lock(:number);

-- name: try_lock(number)^
select pg_try_advisory_xact_lock(:number);
