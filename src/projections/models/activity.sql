-- name: add_to_activity(tenant_id, generation, day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus, win_real, win_bonus)!
-- Add what was played to each cell.
insert into activity as a
       (tenant_id, generation, day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus, win_real,
        win_bonus)
select t.tenant_id, t.generation, played.*
  from unnest(:day::date[], :game_id::text[], :currency::text[], :rounds::bigint[], :bets::bigint[],
              :wins::bigint[], :bet_real::numeric[], :bet_bonus::numeric[], :win_real::numeric[],
              :win_bonus::numeric[]) as played
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, day, game_id, currency) do update set
    rounds = a.rounds + excluded.rounds,
    bets = a.bets + excluded.bets,
    wins = a.wins + excluded.wins,
    bet_real = a.bet_real + excluded.bet_real,
    bet_bonus = a.bet_bonus + excluded.bet_bonus,
    win_real = a.win_real + excluded.win_real,
    win_bonus = a.win_bonus + excluded.win_bonus;

-- name: add_rolled_back(tenant_id, generation, day, game_id, currency, rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)!
-- Add what was rolled back to the few cells that have any; their rows are there by then.
insert into activity as a
       (tenant_id, generation, day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus, win_real, win_bonus,
        rolled_back_bet_real, rolled_back_bet_bonus,
        rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
select t.tenant_id, t.generation, m.day, m.game_id, m.currency, 0, 0, 0, 0, 0, 0, 0,
       m.rolled_back_bet_real, m.rolled_back_bet_bonus, m.rolled_back_win_real, m.rolled_back_win_bonus,
       m.rolled_back_bets, m.rolled_back_wins
  from unnest(:day::date[], :game_id::text[], :currency::text[],
              :rolled_back_bet_real::numeric[], :rolled_back_bet_bonus::numeric[],
              :rolled_back_win_real::numeric[], :rolled_back_win_bonus::numeric[],
              :rolled_back_bets::bigint[], :rolled_back_wins::bigint[])
       as m (day, game_id, currency,
             rolled_back_bet_real, rolled_back_bet_bonus,
             rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, day, game_id, currency) do update set
    rolled_back_bet_real = coalesce(a.rolled_back_bet_real, 0) + excluded.rolled_back_bet_real,
    rolled_back_bet_bonus = coalesce(a.rolled_back_bet_bonus, 0) + excluded.rolled_back_bet_bonus,
    rolled_back_win_real = coalesce(a.rolled_back_win_real, 0) + excluded.rolled_back_win_real,
    rolled_back_win_bonus = coalesce(a.rolled_back_win_bonus, 0) + excluded.rolled_back_win_bonus,
    rolled_back_bets = coalesce(a.rolled_back_bets, 0) + excluded.rolled_back_bets,
    rolled_back_wins = coalesce(a.rolled_back_wins, 0) + excluded.rolled_back_wins;

-- name: find_activity(tenant_id, generation, by_day, by_game, by_currency, no_day, no_text, all_games, first_day, end_day, game_id, currency, after_day, after_game, after_currency, limit)
-- What is not grouped by stands as a constant (no_day, no_text), so that one order and one place fit all
-- groupings. With all three the rows come as the primary key has them, or of one game or one currency as its
-- index has them, where `>=` is the place at which a page begins. Where games don't matter, their totals are read.
select grouped_day, grouped_game, grouped_currency, sum(rounds)::bigint as rounds, sum(bets)::bigint as bets,
       sum(wins)::bigint as wins, sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus,
       sum(win_real) as win_real, sum(win_bonus) as win_bonus,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from (select case when :by_day then day else :no_day::date end as grouped_day,
               case when :by_game then game_id else :no_text::text end as grouped_game,
               case when :by_currency then currency else :no_text::text end as grouped_currency,
               rounds, bets, wins, bet_real, bet_bonus, win_real, win_bonus,
               rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus,
               rolled_back_bets, rolled_back_wins
          from activity
         where tenant_id = :tenant_id and generation = :generation
           and (:first_day::date is null or day >= :first_day)
           and (:end_day::date is null or day < :end_day)
           and case when :game_id::text is not null then game_id = :game_id
                    when :by_game then game_id <> :all_games
                    else game_id = :all_games end
           and (:currency::text is null or currency = :currency)) as chosen
 where :after_day::date is null
    or grouped_day >= :after_day::date
       and (grouped_day, grouped_game, grouped_currency) > (:after_day::date, :after_game, :after_currency)
 group by grouped_day, grouped_game, grouped_currency
 order by grouped_day, grouped_game, grouped_currency limit :limit;

-- name: add_up_games(tenant_id, generation, by_currency, no_day, no_text, all_games, first_day, end_day, game_id, currency, after_game, after_currency, limit)
-- The same, grouped by game and maybe by currency, but not by day: a page adds up the days of its own games.
-- `+ 0` keeps the planner from an index by day, from which it would sort what it believes to be a few rows.
select :no_day::date as grouped_day, game_id as grouped_game, grouped_currency, sum(rounds)::bigint as rounds,
       sum(bets)::bigint as bets, sum(wins)::bigint as wins, sum(bet_real) as bet_real,
       sum(bet_bonus) as bet_bonus, sum(win_real) as win_real, sum(win_bonus) as win_bonus,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from (select *, case when :by_currency then currency else :no_text::text end as grouped_currency
          from activity
         where tenant_id = :tenant_id and generation = :generation and game_id > :all_games
           and (:first_day::date is null or day + 0 >= :first_day)
           and (:end_day::date is null or day + 0 < :end_day)
           and (:game_id::text is null or game_id = :game_id)
           and (:currency::text is null or currency = :currency)) as chosen
 where :after_game::text is null
    or game_id >= :after_game and (game_id, grouped_currency) > (:after_game, :after_currency)
 group by game_id, grouped_currency
 order by game_id, grouped_currency limit :limit;
