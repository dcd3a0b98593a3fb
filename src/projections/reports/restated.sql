-- name: begun_days(tenant_id, generation, begins_at, ends_at)
-- When the days began on which anything moved: from each the index leads to the next.
with recursive days (period) as (
    select min(period) from balance_periods
     where tenant_id = :tenant_id and generation = :generation and is_day
       and (:begins_at::timestamptz is null or period >= :begins_at)
     union all
    select (select min(period) from balance_periods
             where tenant_id = :tenant_id and generation = :generation and is_day and period > days.period)
      from days where days.period is not null
       and (:ends_at::timestamptz is null or days.period < :ends_at)
)
select period from days
 where period is not null and (:ends_at::timestamptz is null or period < :ends_at) order by period;

-- name: day_sums(tenant_id, generation, period)
-- What moved on a day, of all players, by currency.
select currency, sum(deposited) as deposited, sum(withdrawn) as withdrawn, sum(bet_real) as bet_real,
       sum(bet_bonus) as bet_bonus, sum(win_real) as win_real, sum(win_bonus) as win_bonus,
       sum(deposited_eur) as deposited_eur, sum(deposits)::bigint as deposits,
       sum(withdrawals)::bigint as withdrawals, sum(bets)::bigint as bets, sum(wins)::bigint as wins,
       sum(rolled_back_bet_real) as rolled_back_bet_real,
       sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real,
       sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets,
       sum(rolled_back_wins)::bigint as rolled_back_wins
  from balance_periods
 where tenant_id = :tenant_id and generation = :generation and is_day and period = :period
 group by currency;
