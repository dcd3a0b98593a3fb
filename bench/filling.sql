-- name: begin_filling#
-- What the statements below agree about. A round is a block of the log; all of a block is about one player.
-- Every tenth round is player 0's, every eighth is of game 0, so that these have a thousand pages too.
create function pg_temp.player_of(round bigint, players bigint) returns bigint immutable language sql as $$
    select case when mod(round, 10) = 0 then 0 else 1 + mod(round - round / 10 - 1, players - 1) end $$;
create function pg_temp.visit_of(round bigint, players bigint) returns bigint immutable language sql as $$
    select case when mod(round, 10) = 0 then round / 10 else (round - round / 10 - 1) / (players - 1) end $$;
create function pg_temp.game_of(round bigint, games bigint) returns bigint immutable language sql as $$
    select case when mod(round, 8) = 1 then 0 else mod(round * 7919, games) end $$;
create function pg_temp.player_id(n bigint) returns text immutable language sql as $$
    select 'p-' || lpad(n::text, 7, '0') $$;
create function pg_temp.game_id(n bigint) returns text immutable language sql as $$
    select 'g-' || lpad(n::text, 5, '0') $$;
create function pg_temp.currency(n bigint) returns text immutable language sql as $$
    select case when mod(n, 5000) = 4321 then 'KWD' when mod(n, 10) < 6 then 'EUR'
                when mod(n, 10) < 8 then 'SEK' when mod(n, 10) = 8 then 'CAD' else 'USD' end $$;
create function pg_temp.at(n numeric, total numeric) returns timestamptz immutable language sql as $$
    select timestamptz '2025-01-01 00:00:00Z' + n / total * interval '365 days' $$;
create function pg_temp.hash(name text) returns bytea immutable language sql as $$
    select decode(md5(name), 'hex') $$;
-- The wall lets in what is recorded now.
alter table events disable trigger goes_on;

-- name: end_filling_events!
alter table events enable trigger goes_on;

-- name: fill_catalogue_events!
-- The log begins with the catalogue.
insert into events (tenant_id, position, stream, version, topic, key, occurred_at, recorded_at, state)
select :tenant_id, n + 1, 'game:' || pg_temp.game_id(n), 1, 'GameUpdated', pg_temp.hash('game-' || n),
       pg_temp.at(0, 1), pg_temp.at(0, 1),
       convert_to('{"unique_id": "game-' || n || '", "timestamp": "2025-01-01T00:00:00Z", "game_id": "'
                  || pg_temp.game_id(n) || '", "name": "Golden Dunes ' || n || '"}', 'UTF8')
  from generate_series(0::bigint, :games::bigint - 1) as n;

-- name: fill_events!
-- Then blocks of bets and wins, with payments and logins between them.
insert into events (tenant_id, position, stream, version, topic, key, occurred_at, recorded_at, state)
select :tenant_id, :games::bigint + 1 + n, 'player:' || pg_temp.player_id(player),
       pg_temp.visit_of(round, :players) * :round_events::bigint + mod(n, :round_events::bigint) + 1,
       topic, pg_temp.hash('u-' || n), pg_temp.at(n, :events), pg_temp.at(n, :events),
       convert_to(
           '{"unique_id": "u-' || n || '", "timestamp": "'
           || to_char(pg_temp.at(n, :events), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
           || '", "player_id": "' || pg_temp.player_id(player) || '"'
           || case topic
              when 'LoggedIn' then '}'
              when 'Deposited' then ', "amount": 25.00, "currency": "' || pg_temp.currency(player)
                   || '", "method": "card"}'
              else ', "game_id": "' || pg_temp.game_id(pg_temp.game_of(round, :games)) || '", "round_id": "r-'
                   || round || '", "amount": 1.25, "currency": "' || pg_temp.currency(player)
                   || '", "is_win": ' || (topic = 'WinPaid') || ', "is_bonus": false}'
              end, 'UTF8')
  from (select n, n / :round_events::bigint as round,
               pg_temp.player_of(n / :round_events::bigint, :players) as player,
               case when mod(n, :payment_every::bigint) <> 0
                    then case when mod(n, 4) < 2 then 'BetPlaced' else 'WinPaid' end
                    when mod(n / :payment_every::bigint, 10) = 9 then 'LoggedIn' else 'Deposited' end as topic
          from generate_series(0::bigint, :events::bigint - 1) as n) as log;

-- name: fill_rounds!
insert into rounds (tenant_id, generation, key, player_id, game_id, round_id, first_at, last_at, bet_count,
                    win_count, status, mixed_currency, sums, positions)
select :tenant_id, 1, pg_temp.hash('round-' || round), pg_temp.player_id(player),
       pg_temp.game_id(pg_temp.game_of(round, :games)), 'r-' || round, first_at, first_at + interval '3 s',
       case when status = 'unmatched' then 0 else 1 end, case when status = 'open' then 0 else 1 end, status,
       mod(round, 997) = 7,
       jsonb_build_object(pg_temp.currency(player),
                          jsonb_build_array('1.25', '0', '0.5', '0', jsonb_build_array(first_at::date::text))),
       array(select :games::bigint + 1 + n
               from generate_series(round * :round_events::bigint, (round + 1) * :round_events::bigint - 1) as n
              where mod(n, :payment_every::bigint) <> 0)
  from (select round, pg_temp.player_of(round, :players) as player,
               pg_temp.at(round * :round_events::bigint, :events) as first_at,
               case when mod(round, 50) = 3 then 'open' when mod(round, 991) = 5 then 'unmatched'
                    when mod(round, 983) = 9 then 'rolled_back'
                    else 'settled' end as status
          from generate_series(0::bigint, :events::bigint / :round_events::bigint - 1) as round) as played;

-- name: fill_transactions!
insert into transactions (tenant_id, generation, position, occurred_at, type, unique_id, player_id, amount,
                          currency, method, amount_eur)
select :tenant_id, 1, :games::bigint + 1 + n, pg_temp.at(n, :events),
       case when mod(payment, 4000) = 11 then 'withdraw' else 'deposit' end, 'u-' || n,
       pg_temp.player_id(player), 25, pg_temp.currency(player),
       case when mod(payment, 4000) = 13 then 'cheque' when mod(payment, 3) = 0 then 'swish' else 'card' end,
       25
  from (select payment, payment * :payment_every::bigint as n,
               pg_temp.player_of(payment * :payment_every::bigint / :round_events::bigint, :players) as player
          from generate_series(0::bigint, :events::bigint / :payment_every::bigint - 1) as payment
         where mod(payment, 10) <> 9) as paid;

-- name: fill_rollbacks!
-- One in 20 events, so that there are pages enough of each kind.
insert into rollbacks (tenant_id, generation, position, occurred_at, is_win, is_bonus, status, unique_id, player_id,
                       game_id, round_id, amount, currency, reference)
select :tenant_id, 1, :games::bigint + 2 + n, pg_temp.at(n, :events), mod(n, 40) = 0, false, status, 'rb-' || n,
       pg_temp.player_id(pg_temp.player_of(rollback, :players)), pg_temp.game_id(pg_temp.game_of(rollback, :games)),
       'r-' || rollback, 1.25, 'EUR', case when status <> 'unreferenced' then 'u-' || n end
  from (select rollback, rollback * 20 as n,
               case when mod(rollback, 997) = 11 then 'mismatched' when mod(rollback, 991) = 3 then 'repeated'
                    when mod(rollback, 50) = 7 then 'unmatched' when mod(rollback, 10) = 9 then 'unreferenced'
                    else 'matched' end as status
          from generate_series(0::bigint, :events::bigint / 20 - 1) as rollback) as taken_back;

-- name: fill_balances!
insert into balances (tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus,
                      win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins)
select :tenant_id, 1, pg_temp.player_id(n), pg_temp.currency(n), 125.00, 20, 63.25, 0, 60.5, 0, 100, 5, 1, 50, 40
  from generate_series(0::bigint, :players::bigint - 1) as n;

-- name: fill_balance_periods!
-- The whole days of every player who played, and the 10 minutes of those who are not player 0.
insert into balance_periods (tenant_id, generation, player_id, currency, is_day, period, deposited, withdrawn,
                             bet_real, bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals,
                             bets, wins, positions)
select :tenant_id, 1, pg_temp.player_id(player), pg_temp.currency(player), is_day,
       date_bin(case when is_day then interval '1 day' else interval '10 minutes' end, first_at,
                timestamptz '2025-01-01 00:00:00Z'),
       0, 0, 1.25, 0, 0.5, 0, 0, 0, 0, 1, 1,
       case when is_day then '{}'::bigint[]
            else array[:games::bigint + 2 + round * :round_events::bigint] end
  from (select round, pg_temp.player_of(round, :players) as player,
               pg_temp.at(round * :round_events::bigint, :events) as first_at
          from generate_series(0::bigint, :events::bigint / :round_events::bigint - 1) as round) as played
 cross join (values (true), (false)) as kinds (is_day)
on conflict do nothing;

-- name: fill_activity!
-- A year. Game 0 is played each day.
insert into activity (tenant_id, generation, day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus,
                      win_real, win_bonus)
select :tenant_id, 1, date '2025-01-01' + mod(n, 365)::int,
       pg_temp.game_id(case when n < 5 * 365 then 0 else mod(n / 365, :games::bigint) end),
       case when mod(n, 5000) = 4321 then 'KWD' else (array['EUR', 'SEK', 'CAD', 'USD', 'NOK'])[1 + mod(n / 365, 5)] end,
       7, 7, 3, 12.25, 0, 11.5, 0
  from generate_series(0::bigint, :cells::bigint - 1) as n
on conflict do nothing;

-- name: fill_activity_of_all_games!
insert into activity (tenant_id, generation, day, game_id, currency, rounds, bets, wins, bet_real, bet_bonus,
                      win_real, win_bonus)
select tenant_id, generation, day, '', currency, sum(rounds), sum(bets), sum(wins), sum(bet_real),
       sum(bet_bonus), sum(win_real), sum(win_bonus)
  from activity
 where tenant_id = :tenant_id
 group by tenant_id, generation, day, currency;

-- name: fill_players!
insert into players (tenant_id, generation, player_id, logins, first_seen, last_seen, last_login,
                     registration_date, consent_email, is_blocked, username, country, currency, gender,
                     affiliate, operator, username_folded, tags, tags_cut, stamps)
select :tenant_id, 1, pg_temp.player_id(n), 12, pg_temp.at(n, :players), pg_temp.at(n, :players),
       pg_temp.at(n, :players), pg_temp.at(n, :players), mod(n, 3) = 0,
       case when mod(n, 7) < 6 then mod(n, 4000) = 19 end, 'user' || n,
       case when mod(n, 4000) = 17 then 'LI'
            else (array['MT', 'SE', 'FI', 'NO', 'DE', 'CA', 'JP', 'BR', null])[1 + mod(n, 9)] end,
       pg_temp.currency(n), (array['M', 'F', null])[1 + mod(n, 3)],
       case when mod(n, 3) = 0 then 'aff-big' when mod(n, 3) = 1 then 'aff-' || mod(n, 2000) end,
       case when mod(n, 4000) = 23 then 'op-new' when mod(n, 3) = 0 then 'op-2' else 'op-1' end,
       'user' || n, tags, tags,
       (select jsonb_object_agg(field, jsonb_build_array('2025-01-01T00:00:00Z', 'player-' || n))
          from unnest(array['username', 'registration_date', 'country', 'currency', 'gender', 'affiliate',
                            'operator', 'tags', 'consent_email', 'is_blocked']) as field)
  from (select n, array_remove(array[case when mod(n, 3) = 0 then 'newsletter' end,
                                     case when mod(n, 10) = 1 then 'silver' end,
                                     case when mod(n, 50) = 2 then 'vip' end,
                                     case when mod(n, 4000) = 29 then 'chess' end], null) as tags
          from generate_series(0::bigint, :players::bigint - 1) as n) as known;

-- name: fill_games!
insert into games (tenant_id, generation, game_id, first_seen, last_seen, name, name_folded, provider, device,
                   has_freespins, categories, features, themes, stamps)
select :tenant_id, 1, pg_temp.game_id(n), pg_temp.at(0, 1), pg_temp.at(1, 1), 'Golden Dunes ' || n,
       'golden dunes ' || n, case when mod(n, 4000) = 17 then 'Solo' else 'Provider ' || mod(n, 60) end,
       (array['mobile', 'desktop', null])[1 + mod(n, 3)],
       (array['yes', 'no', null])[1 + mod(n, 3)],
       array['slots', case when mod(n, 4000) = 17 then 'bingo' else 'category ' || mod(n, 10) end],
       array['freespins', case when mod(n, 4000) = 17 then 'tilt' else 'feature ' || mod(n, 25) end],
       array[case when mod(n, 4000) = 17 then 'chess' else 'theme ' || mod(n, 40) end, 'desert'],
       (select jsonb_object_agg(field, jsonb_build_array('2025-01-01T00:00:00Z', 'game-' || n))
          from unnest(array['name', 'provider', 'categories', 'features', 'themes', 'device',
                            'has_freespins']) as field)
  from generate_series(0::bigint, :games::bigint - 1) as n;

-- name: fill_conflicts!
-- One for each key, which is that of `u-0`, `u-1`, …
insert into conflicts (tenant_id, number, position, received_at, key, content_hash, unique_id, event, data)
select :tenant_id, n, :games::bigint + n, pg_temp.at(n, cardinality(:keys::bytea[])), key,
       pg_temp.hash('conflict-' || n), 'u-' || (n - 1), 'login',
       convert_to('{"unique_id": "u-' || (n - 1) || '", "timestamp": "2025-01-01T00:00:00Z", "player_id": "p"}',
                  'UTF8')
  from unnest(:keys::bytea[]) with ordinality as refused (key, n);

-- name: fill_accesses!
-- As many as conflicts, over a year.
insert into accesses (tenant_id, number, accessed_at, key_id, method, path, query, last_event_id)
select :tenant_id, n, timestamptz '2025-01-01T00:00:00Z' + n * (interval '365 days' / :conflicts::bigint),
       case when mod(n, 4000) = 17 then 7 else 1 + mod(n, 3) end, 'GET', '/api/v1/history', 'player_id=p-' || n, ''
  from generate_series(1::bigint, :conflicts::bigint) as n;

-- name: fill_refused!
-- As many as conflicts, of the last twenty days: they are kept for no longer than thirty.
insert into refused_items (tenant_id, content_hash, received_at, last_received_at, times, dialect, unique_id, event,
                           player_ids, data, faults)
select :tenant_id, pg_temp.hash('refused-' || n), at, at, 1, 'events', 'x-' || n,
       case when mod(n, 4000) = 17 then 'game' else 'login' end, array['p-' || mod(n, 1000)],
       convert_to('{"unique_id": "x-' || n || '", "timestamp": "soon", "player_id": "p-' || mod(n, 1000) || '"}', 'UTF8'),
       convert_to('[{"pointer": "/data/timestamp", "code": "not_a_timestamp", "detail": "must be a timestamp"}]', 'UTF8')
  from (select n, now() - n * (interval '20 days' / :conflicts::bigint) as at
          from generate_series(1::bigint, :conflicts::bigint) as n) as left_out;

-- name: end_filling!
-- All of the log is shown.
update tracking set position = :position, versions = :versions::jsonb where tenant_id = :tenant_id and live;
