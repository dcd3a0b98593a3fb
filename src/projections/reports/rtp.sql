-- name: rtp(tenant_id, generation, first_day, end_day, all_games, provider, limit)
select a.game_id, a.currency, g.provider, g.theoretical_rtp, g.volatility, a.rounds, a.bets, a.wins, a.bet_real,
       a.bet_bonus, a.win_real, a.win_bonus, a.rolled_back_bet_real, a.rolled_back_bet_bonus,
       a.rolled_back_win_real, a.rolled_back_win_bonus, a.rolled_back_bets, a.rolled_back_wins
  from (select game_id, currency, sum(rounds)::bigint as rounds, sum(bets)::bigint as bets,
               sum(wins)::bigint as wins, sum(bet_real) as bet_real, sum(bet_bonus) as bet_bonus,
               sum(win_real) as win_real, sum(win_bonus) as win_bonus,
               sum(rolled_back_bet_real) as rolled_back_bet_real,
               sum(rolled_back_bet_bonus) as rolled_back_bet_bonus,
               sum(rolled_back_win_real) as rolled_back_win_real,
               sum(rolled_back_win_bonus) as rolled_back_win_bonus,
               sum(rolled_back_bets)::bigint as rolled_back_bets,
               sum(rolled_back_wins)::bigint as rolled_back_wins
          from activity
         where tenant_id = :tenant_id and generation = :generation and game_id <> :all_games
           and (:first_day::date is null or day >= :first_day) and (:end_day::date is null or day < :end_day)
           and (:provider::text is null
                or game_id in (select p.game_id from games p
                                where p.tenant_id = :tenant_id and p.generation = :generation
                                  and p.provider = :provider))
         group by game_id, currency) as a
  left join games g
    on g.tenant_id = :tenant_id and g.generation = :generation and g.game_id = a.game_id
 order by a.game_id, a.currency limit :limit;
