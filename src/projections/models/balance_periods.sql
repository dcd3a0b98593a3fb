-- name: add_to_balance_periods(tenant_id, generation, player_id, currency, is_day, period, deposited, withdrawn, bet_real, bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins, positions, last_position)!
-- Add what moved to each player's periods, which are gaming days, by their beginnings, and 10 minutes. Arrays of
-- different lengths can't be elements of one array: positions come as text, '{1,2}'.
insert into balance_periods as b
       (tenant_id, generation, player_id, currency, is_day, period, deposited, withdrawn, bet_real,
        bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins, positions, last_position)
select t.tenant_id, t.generation, m.player_id, m.currency, m.is_day, m.period, m.deposited, m.withdrawn,
       m.bet_real, m.bet_bonus, m.win_real, m.win_bonus, m.deposited_eur, m.deposits, m.withdrawals,
       m.bets, m.wins, m.positions::bigint[], m.last_position
  from unnest(:player_id::text[], :currency::text[], :is_day::bool[], :period::timestamptz[],
              :deposited::numeric[], :withdrawn::numeric[], :bet_real::numeric[],
              :bet_bonus::numeric[], :win_real::numeric[], :win_bonus::numeric[],
              :deposited_eur::numeric[], :deposits::bigint[], :withdrawals::bigint[],
              :bets::bigint[], :wins::bigint[], :positions::text[], :last_position::bigint[])
       as m (player_id, currency, is_day, period, deposited, withdrawn, bet_real, bet_bonus, win_real,
             win_bonus, deposited_eur, deposits, withdrawals, bets, wins, positions, last_position)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, player_id, is_day, period, currency) do update set
    deposited = b.deposited + excluded.deposited,
    withdrawn = b.withdrawn + excluded.withdrawn,
    bet_real = b.bet_real + excluded.bet_real,
    bet_bonus = b.bet_bonus + excluded.bet_bonus,
    win_real = b.win_real + excluded.win_real,
    win_bonus = b.win_bonus + excluded.win_bonus,
    deposited_eur = b.deposited_eur + excluded.deposited_eur,
    deposits = b.deposits + excluded.deposits,
    withdrawals = b.withdrawals + excluded.withdrawals,
    bets = b.bets + excluded.bets,
    wins = b.wins + excluded.wins,
    positions = b.positions || excluded.positions,
    last_position = greatest(b.last_position, excluded.last_position);

-- name: add_rolled_back(tenant_id, generation, player_id, currency, is_day, period, rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)!
-- Add what was rolled back to the few periods that have any; their rows are there by then.
insert into balance_periods as b
       (tenant_id, generation, player_id, currency, is_day, period, deposited, withdrawn, bet_real, bet_bonus,
        win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins, positions,
        rolled_back_bet_real, rolled_back_bet_bonus,
        rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
select t.tenant_id, t.generation, m.player_id, m.currency, m.is_day, m.period, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}',
       m.rolled_back_bet_real, m.rolled_back_bet_bonus, m.rolled_back_win_real, m.rolled_back_win_bonus,
       m.rolled_back_bets, m.rolled_back_wins
  from unnest(:player_id::text[], :currency::text[], :is_day::bool[], :period::timestamptz[],
              :rolled_back_bet_real::numeric[], :rolled_back_bet_bonus::numeric[],
              :rolled_back_win_real::numeric[], :rolled_back_win_bonus::numeric[],
              :rolled_back_bets::bigint[], :rolled_back_wins::bigint[])
       as m (player_id, currency, is_day, period,
             rolled_back_bet_real, rolled_back_bet_bonus,
             rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, player_id, is_day, period, currency) do update set
    rolled_back_bet_real = coalesce(b.rolled_back_bet_real, 0) + excluded.rolled_back_bet_real,
    rolled_back_bet_bonus = coalesce(b.rolled_back_bet_bonus, 0) + excluded.rolled_back_bet_bonus,
    rolled_back_win_real = coalesce(b.rolled_back_win_real, 0) + excluded.rolled_back_win_real,
    rolled_back_win_bonus = coalesce(b.rolled_back_win_bonus, 0) + excluded.rolled_back_win_bonus,
    rolled_back_bets = coalesce(b.rolled_back_bets, 0) + excluded.rolled_back_bets,
    rolled_back_wins = coalesce(b.rolled_back_wins, 0) + excluded.rolled_back_wins;

-- name: balances_before(tenant_id, generation, player_id, day, period)
-- A player's balances of the whole days before one, and of the whole periods of that day before one.
select currency, sum(deposited) as deposited, sum(withdrawn) as withdrawn, sum(bet_real) as bet_real,
       sum(bet_bonus) as bet_bonus, sum(win_real) as win_real, sum(win_bonus) as win_bonus,
       sum(deposited_eur) as deposited_eur, sum(deposits)::bigint as deposits,
       sum(withdrawals)::bigint as withdrawals, sum(bets)::bigint as bets, sum(wins)::bigint as wins,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from (select * from balance_periods
         where tenant_id = :tenant_id and generation = :generation and player_id = :player_id
           and is_day and period < :day
         union all
        select * from balance_periods
         where tenant_id = :tenant_id and generation = :generation and player_id = :player_id
           and not is_day and period >= :day and period < :period) as whole
 group by currency;

-- name: positions_within(tenant_id, generation, player_id, period)
-- Where the events of a player's 10 minutes stand in the log.
select unnest(positions) as position from balance_periods
 where tenant_id = :tenant_id and generation = :generation and player_id = :player_id
   and not is_day and period = :period;
