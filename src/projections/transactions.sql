-- name: copy_transactions()!
copy transactions (tenant_id, generation, position, occurred_at, type, unique_id, player_id, amount, currency,
                   method, amount_eur)
from stdin;
