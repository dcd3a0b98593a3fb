-- name: is_recovering()
select pg_is_in_recovery();
