-- name: end_key(key_id, at)
select tenant, scopes, label, created_at, expires_at from roundbook.end_key(:key_id, :at);
