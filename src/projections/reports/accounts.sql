-- name: account_days(tenant_id, generation, player_id, currency, begins_at, ends_at, limit)
-- What moved by player, currency and gaming day.
select player_id, currency, period, bet_real, bet_bonus, win_real, win_bonus, bets, wins, deposited, withdrawn,
       deposited_eur, deposits, withdrawals,
       rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets,
       rolled_back_wins
  from balance_periods
 where tenant_id = :tenant_id and generation = :generation and is_day
   and (:player_id::text is null or player_id = :player_id)
   and (:currency::text is null or currency = :currency)
   and (:begins_at::timestamptz is null or period >= :begins_at)
   and (:ends_at::timestamptz is null or period < :ends_at)
 order by player_id, currency, period limit :limit;

-- name: account_sums(tenant_id, generation, players, currency, begins_at, ends_at)
-- What that comes to for some players. By the primary key, player by player.
select p.player_id, b.currency, sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus, sum(win_real) as win_real,
       sum(win_bonus) as win_bonus, sum(bets)::bigint as bets, sum(wins)::bigint as wins,
       sum(deposited) as deposited, sum(withdrawn) as withdrawn, sum(deposited_eur) as deposited_eur,
       sum(deposits)::bigint as deposits, sum(withdrawals)::bigint as withdrawals,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from unnest(:players::text[]) as p (player_id)
 cross join lateral (
       select * from balance_periods
        where tenant_id = :tenant_id and generation = :generation and player_id = p.player_id collate "C" and is_day
          and (:currency::text is null or currency = :currency)
          and (:begins_at::timestamptz is null or period >= :begins_at)
          and (:ends_at::timestamptz is null or period < :ends_at) offset 0) b
 group by p.player_id, b.currency;

-- name: balances_of(tenant_id, generation, players, currency)
select b.player_id, b.currency, bet_real, bet_bonus, win_real, win_bonus, bets, wins, deposited, withdrawn,
       deposited_eur, deposits, withdrawals,
       rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets,
       rolled_back_wins
  from unnest(:players::text[]) as p (player_id)
 cross join lateral (
       select * from balances
        where tenant_id = :tenant_id and generation = :generation and player_id = p.player_id collate "C"
          and (:currency::text is null or currency = :currency) offset 0) b;

-- name: played_by_currency(tenant_id, generation, currency, first_day, end_day, all_games)
select currency, sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus, sum(win_real) as win_real,
       sum(win_bonus) as win_bonus
  from activity
 where tenant_id = :tenant_id and generation = :generation and game_id = :all_games
   and (:currency::text is null or currency = :currency)
   and (:first_day::date is null or day >= :first_day) and (:end_day::date is null or day < :end_day)
 group by currency;
