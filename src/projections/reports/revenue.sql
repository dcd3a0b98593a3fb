-- name: revenue(tenant_id, generation, first_day, end_day, all_games, of_games, by_day, by_month, by_game, by_provider, game_id, provider, currency, limit)
-- What is not grouped by is null, but for the currency, which is one then. Where games don't matter, what they come
-- to by day is read. Cells are added up by game before the game's provider is looked up: sorting all of them by
-- provider takes as long as all the rest.
with played as materialized (
    select case when :by_day then day when :by_month then date_trunc('month', day)::date end as in_day,
           game_id, currency, sum(rounds)::bigint as rounds, sum(bets)::bigint as bets, sum(wins)::bigint as wins,
           sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus, sum(win_real) as win_real,
           sum(win_bonus) as win_bonus,
           sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
           sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
           sum(rolled_back_bets) as rolled_back_bets, sum(rolled_back_wins) as rolled_back_wins
      from activity
     where tenant_id = :tenant_id and generation = :generation
       and (:first_day::date is null or day >= :first_day) and (:end_day::date is null or day < :end_day)
       and case when :game_id::text is not null then game_id = :game_id
                when :of_games then game_id <> :all_games
                else game_id = :all_games end
       and (:provider::text is null
            or game_id in (select g.game_id from games g
                            where g.tenant_id = :tenant_id and g.generation = :generation
                              and g.provider = :provider))
       and (:currency::text is null or currency = :currency)
     group by in_day, game_id, currency)
select in_day, case when :by_game then p.game_id end as in_game, case when :by_provider then g.provider end as in_provider,
       currency as in_currency, sum(rounds)::bigint as rounds, sum(bets)::bigint as bets,
       sum(wins)::bigint as wins, sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus,
       sum(win_real) as win_real, sum(win_bonus) as win_bonus,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from played p
  left join (select game_id, provider from games
              where tenant_id = :tenant_id and generation = :generation and :by_provider) g
    on g.game_id = p.game_id
 group by in_day, in_game, in_provider, in_currency
 order by in_day, in_game, in_provider nulls first, in_currency limit :limit;

-- name: whole_revenue(tenant_id, generation, first_day, end_day, all_games, of_games, game_id, provider, currency)
-- The same as a whole, by currency.
select a.currency, sum(rounds)::bigint as rounds, sum(bets)::bigint as bets, sum(wins)::bigint as wins,
       sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus, sum(win_real) as win_real,
       sum(win_bonus) as win_bonus,
       sum(rolled_back_bet_real) as rolled_back_bet_real, sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
       sum(rolled_back_win_real) as rolled_back_win_real, sum(rolled_back_win_bonus) as rolled_back_win_bonus,
       sum(rolled_back_bets)::bigint as rolled_back_bets, sum(rolled_back_wins)::bigint as rolled_back_wins
  from activity a
 where a.tenant_id = :tenant_id and a.generation = :generation
   and (:first_day::date is null or day >= :first_day) and (:end_day::date is null or day < :end_day)
   and case when :game_id::text is not null then a.game_id = :game_id
            when :of_games then a.game_id <> :all_games
            else a.game_id = :all_games end
   and (:provider::text is null
        or a.game_id in (select g.game_id from games g
                          where g.tenant_id = :tenant_id and g.generation = :generation
                            and g.provider = :provider))
   and (:currency::text is null or a.currency = :currency)
 group by a.currency;
