-- name: copy_transactions()!
copy transactions (tenant_id, generation, position, occurred_at, type, unique_id, player_id, amount, currency,
                   method, amount_eur)
from stdin;

-- name: find_transactions(tenant_id, generation, player_id, type, method, currency, at_or_after, before, after_at, after_position, limit)
select unique_id, position, type, player_id, occurred_at as timestamp, amount, currency, method, amount_eur
  from transactions
 where tenant_id = :tenant_id and generation = :generation
   and (:player_id::text is null or player_id = :player_id)
   and (:type::text is null or type = :type)
   and (:method::text is null or method = :method)
   and (:currency::text is null or currency = :currency)
   and (:at_or_after::timestamptz is null or occurred_at >= :at_or_after)
   and (:before::timestamptz is null or occurred_at < :before)
   and (:after_at::timestamptz is null or (occurred_at, position) < (:after_at, :after_position::bigint))
 order by occurred_at desc, position desc limit :limit;
