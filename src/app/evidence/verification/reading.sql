-- name: never_write()!
set session characteristics as transaction read only;

-- name: one_snapshot()!
set transaction isolation level repeatable read;
