-- name: pages_need_not_last()!
-- The statement that they are of is waited for, and all that came before lasts with it.
set local synchronous_commit = off;
