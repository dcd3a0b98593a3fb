-- name: keep_long(application_name)
-- Of this transaction alone.
select set_config('application_name', :application_name, true),
       set_config('idle_in_transaction_session_timeout', '0', true);

-- name: copy_events(tenant_id, after, until)
-- Of one that was erased `data` is null.
copy (
select position, stream, version, topic, occurred_at, recorded_at, convert_from(state, 'UTF8'),
       coalesce(occurred_at, recorded_at) as filed
  from events
 where tenant_id = :tenant_id and position > :after and position <= :until
 order by position) to stdout (format csv);

-- name: copy_transactions(tenant_id, generation, after, until)
copy (
select position, unique_id, type, player_id, occurred_at, amount, currency, method, amount_eur,
       occurred_at as filed
  from transactions
 where tenant_id = :tenant_id and generation = :generation and position > :after and position <= :until
 order by position) to stdout (format csv);

-- name: copy_rounds(tenant_id, generation, after, until)
-- The positions of a round's bets, wins and rollbacks grow: the last one is that of the newest. An end has no place
-- among them: of those that ended, all that were since the earliest of the new ends.
copy (
select player_id, game_id, round_id, status, mixed_currency, first_at, last_at, bet_count, win_count, ended_at, sums,
       first_at as filed
  from rounds
 where tenant_id = :tenant_id and generation = :generation
   and (:after = 0 or positions[cardinality(positions)] > :after
        or greatest(ended_at, last_at)
           >= case when ended_at is not null then
                   (select min(occurred_at) from events
                     where tenant_id = :tenant_id and topic = 'RoundEnded'
                       and topic not in ('BetPlaced', 'WinPaid')
                       and position > :after and position <= :until) end)
 order by first_at) to stdout (format csv);

-- name: copy_activity(tenant_id, generation, after, until, time_zone, day_starts)
-- All of a day on which something happened, and of those beside it: where clocks are put back, what they show
-- does not tell the day. What all games come to stands without a game_id.
copy (
select day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus, win_real, win_bonus,
       coalesce(rolled_back_bet_real, 0), coalesce(rolled_back_bet_bonus, 0), coalesce(rolled_back_win_real, 0),
       coalesce(rolled_back_win_bonus, 0), coalesce(rolled_back_bets, 0), coalesce(rolled_back_wins, 0),
       day as filed
  from activity
 where tenant_id = :tenant_id and generation = :generation and game_id <> ''
   and (:after = 0
        or day = any(array(select distinct around.day
                             from events
                            cross join lateral (
                                  select ((occurred_at at time zone :time_zone)
                                          - :day_starts::interval)::date + n as day
                                    from generate_series(-1, 1) as n) as around
                            where tenant_id = :tenant_id and position > :after and position <= :until)))
 order by day, game_id, currency) to stdout (format csv);

-- name: copy_players(tenant_id, generation)
copy (
select player_id, username, registration_date, country, currency, gender, affiliate, operator,
       to_json(tags), consent_email, is_blocked, first_seen, last_seen, last_login, logins,
       last_seen as filed
  from players
 where tenant_id = :tenant_id and generation = :generation
 order by last_seen, player_id) to stdout (format csv);

-- name: copy_players_since(tenant_id, generation, after, until)
-- Whatever names a player is in that player's stream. A statement of its own: with an `or` it would be no join.
copy (
select player_id, username, registration_date, country, currency, gender, affiliate, operator,
       to_json(tags), consent_email, is_blocked, first_seen, last_seen, last_login, logins,
       last_seen as filed
  from players
 where tenant_id = :tenant_id and generation = :generation
   and player_id in (select substr(stream, 8) from events
                      where tenant_id = :tenant_id and position > :after and position <= :until
                        and stream like 'player:%%')
 order by last_seen, player_id) to stdout (format csv);

-- name: copy_games(tenant_id, generation, after, until)
-- Those seen since the earliest of the events: that is, all that these name, and maybe others.
copy (
select game_id, name, provider, to_json(categories), to_json(features), to_json(themes),
       coalesce(device, 'undefined'), coalesce(has_freespins, 'unknown'), first_seen, last_seen,
       theoretical_rtp, volatility, last_seen as filed
  from games
 where tenant_id = :tenant_id and generation = :generation
   and (:after = 0
        or last_seen >= (select min(occurred_at) from events
                          where tenant_id = :tenant_id and position > :after and position <= :until))
 order by last_seen, game_id) to stdout (format csv);

-- name: erased_since(tenant_id, after, until)^
select position from events
 where tenant_id = :tenant_id and topic = 'PlayerErased' and topic not in ('BetPlaced', 'WinPaid')
   and position > :after and position <= :until
 order by position limit 1;
