-- name: first_and_last(tenant_id, generation, player_id, currency)
-- When the first and the last 10 minutes began in which anything moved; null where nothing did.
select (select period from balance_periods
         where tenant_id = :tenant_id and generation = :generation and player_id = :player_id and not is_day
           and currency = :currency
         order by period limit 1) as first,
       (select period from balance_periods
         where tenant_id = :tenant_id and generation = :generation and player_id = :player_id and not is_day
           and currency = :currency
         order by period desc limit 1) as last;

-- name: days_until(tenant_id, generation, player_id, currency, until)
-- The days that began until a time on which anything moved, each with the balance at its end.
select period as moment, sum(real) over in_order as real, sum(bonus) over in_order as bonus
  from (select period, deposited - withdrawn - bet_real + win_real as real, win_bonus - bet_bonus as bonus
          from balance_periods
         where tenant_id = :tenant_id and generation = :generation and player_id = :player_id and is_day
           and currency = :currency and period <= :until) as days
window in_order as (order by period)
 order by period;

-- name: periods_of_days(tenant_id, generation, player_id, currency, begins, ends, limit)
-- The 10 minutes of some days, each with what its day came to at its end.
select period as moment, sum(real) over in_order as real, sum(bonus) over in_order as bonus
  from (select d.begins_at, p.*
          from unnest(:begins::timestamptz[], :ends::timestamptz[]) as d (begins_at, ends_at)
         cross join lateral (
               select period, deposited - withdrawn - bet_real + win_real as real, win_bonus - bet_bonus as bonus
                 from balance_periods
                where tenant_id = :tenant_id and generation = :generation and player_id = :player_id
                  and not is_day and currency = :currency and period >= d.begins_at and period < d.ends_at
                offset 0) p
         limit :limit) as periods
window in_order as (partition by begins_at order by period)
 order by period;

-- name: positions_of_periods(tenant_id, generation, player_id, currency, periods, limit)
-- Where the events of some 10 minutes stand in the log.
select p.position
  from unnest(:periods::timestamptz[]) as w (period)
 cross join lateral (
       select unnest(positions) as position from balance_periods
        where tenant_id = :tenant_id and generation = :generation and player_id = :player_id
          and not is_day and currency = :currency and period = w.period offset 0) p
 limit :limit;
