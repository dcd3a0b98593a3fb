-- name: snapshot()^
-- What is committed by now, as far as it wrote anything. A small statement, as it is asked many times a second.
select pg_current_snapshot()::text;
