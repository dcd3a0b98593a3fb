-- name: positions_between(tenant_id, generation, player_id, currency, after_period, before, limit)
-- Where the events of some periods stand in the log: of the first and the last some may be outside of the time.
select unnest(positions) as position from balance_periods
 where tenant_id = :tenant_id and generation = :generation and player_id = :player_id and not is_day
   and (:after_period::timestamptz is null or period > :after_period)
   and (:before::timestamptz is null or period < :before)
   and (:currency::text is null or currency = :currency)
 limit :limit;
