-- The read side. Rows belong to a tenant and to a generation: a rebuild writes a new generation
-- beside the live one. The room that is left in the pages of some tables keeps updates off their indexes.

-- Up to which position of the log a generation shows all events. Its row is the claim that a
-- projector locks. One generation of a tenant is live: queries read it. Another may be in the making
-- beside it, and the rows of retired ones wait to be deleted.
-- versions: {projection: version} of the code that it is built with, {} before its first event.
-- failed_position, failure, failed_at: the event that can't be projected, why, and since when.
create table tracking (
    tenant_id       int not null,
    generation      int not null,
    position        bigint not null,
    failed_position bigint,
    updated_at      timestamptz not null,
    failed_at       timestamptz,
    live            boolean not null,
    retired         boolean not null default false,
    versions        jsonb not null default '{}',
    failure         text,
    primary key (tenant_id, generation)
);

create unique index tracking_live on tracking (tenant_id) where live;

-- The row of who plays is written again with each chunk of the log. The room that is left in each page, here and
-- for players and games, keeps these updates off the indexes.
create table balances (
    tenant_id     int not null,
    generation    int not null,
    player_id     text collate "C" not null,
    currency      text collate "C" not null,
    deposited     numeric not null,
    withdrawn     numeric not null,
    bet_real      numeric not null,
    bet_bonus     numeric not null,
    win_real      numeric not null,
    win_bonus     numeric not null,
    deposited_eur numeric not null,
    deposits      bigint not null,
    withdrawals   bigint not null,
    bets          bigint not null,
    wins          bigint not null,
    primary key (tenant_id, generation, player_id, currency)
) with (fillfactor = 50);

create index balances_by_currency on balances (tenant_id, generation, currency, player_id);

-- The same for each day (UTC) and for each 10 minutes in which something moved, by the time of the events, so
-- that a balance as of any time is the sum of the whole days before its own, of the whole 10 minutes of its
-- day before its own, and of some events.
-- positions: where the events of the 10 minutes stand in the log; none for a day.
create table balance_periods (
    period        timestamptz not null,
    tenant_id     int not null,
    generation    int not null,
    is_day        boolean not null,
    player_id     text collate "C" not null,
    currency      text collate "C" not null,
    deposited     numeric not null,
    withdrawn     numeric not null,
    bet_real      numeric not null,
    bet_bonus     numeric not null,
    win_real      numeric not null,
    win_bonus     numeric not null,
    deposited_eur numeric not null,
    deposits      bigint not null,
    withdrawals   bigint not null,
    bets          bigint not null,
    wins          bigint not null,
    positions     bigint[] not null,
    primary key (tenant_id, generation, player_id, is_day, period, currency)
) with (fillfactor = 70);

-- key: 16 bytes of BLAKE2b over player, game and round, which do not fit an index entry.
-- sums: {currency: [bet_real, bet_bonus, win_real, win_bonus, [day, …]]}, amounts as strings, the days
-- (UTC) on which there was a bet or a win. It is JSON that nothing here looks into.
-- positions: where the round's bets and wins stand in the log.
create table rounds (
    first_at       timestamptz not null,
    last_at        timestamptz not null,
    tenant_id      int not null,
    generation     int not null,
    bet_count      int not null,
    win_count      int not null,
    key            bytea not null,
    mixed_currency boolean not null,
    status         text collate "C" not null,
    player_id      text collate "C" not null,
    game_id        text collate "C" not null,
    round_id       text collate "C" not null,
    sums           text not null,
    positions      bigint[] not null,
    primary key (tenant_id, key, generation)
);

create index rounds_by_time on rounds (tenant_id, generation, first_at, key);
create index rounds_by_player on rounds (tenant_id, generation, player_id, first_at, key);
create index rounds_by_game on rounds (tenant_id, generation, game_id, first_at, key);
create index rounds_by_round on rounds (tenant_id, generation, round_id, first_at, key);
create index rounds_unusual on rounds (tenant_id, generation, status, first_at, key)
    where status <> 'settled';
create index rounds_mixed on rounds (tenant_id, generation, first_at, key) where mixed_currency;

-- What was played, by day (UTC), game and currency. A round counts once in each cell in which it has a
-- bet or a win. What all games of a day come to in a currency stands with an empty game_id, which no game has.
create table activity (
    day        date not null,
    tenant_id  int not null,
    generation int not null,
    game_id    text collate "C" not null,
    currency   text collate "C" not null,
    rounds     bigint not null,
    bets       bigint not null,
    wins       bigint not null,
    bet_real   numeric not null,
    bet_bonus  numeric not null,
    win_real   numeric not null,
    win_bonus  numeric not null,
    primary key (tenant_id, generation, day, game_id, currency)
) with (fillfactor = 70);

create index activity_by_game on activity (tenant_id, generation, game_id, day, currency);
create index activity_by_currency on activity (tenant_id, generation, currency, day, game_id);
-- For adding up the days of each game on a page.
create index activity_of_games on activity (tenant_id, generation, game_id, currency, day);
create index activity_of_games_by_currency on activity (tenant_id, generation, currency, game_id, day);

create table transactions (
    position    bigint not null,
    occurred_at timestamptz not null,
    tenant_id   int not null,
    generation  int not null,
    type        text collate "C" not null,
    unique_id   text collate "C" not null,
    player_id   text collate "C" not null,
    amount      numeric not null,
    currency    text collate "C" not null,
    method      text collate "C" not null,
    amount_eur  numeric,
    primary key (tenant_id, generation, position)
);

create index transactions_by_time on transactions (tenant_id, generation, occurred_at, position);
create index transactions_by_player
    on transactions (tenant_id, generation, player_id, occurred_at, position);
-- Payments are few and their rows never change, so that an index for each filter costs little.
create index transactions_by_type on transactions (tenant_id, generation, type, occurred_at, position);
create index transactions_by_method on transactions (tenant_id, generation, method, occurred_at, position);
create index transactions_by_currency
    on transactions (tenant_id, generation, currency, occurred_at, position);

-- stamps: {field: [timestamp, unique_id]} of the update that each field was last set by.
-- tags_cut: the tags, each cut to 255 characters: one of any length does not fit an index entry.
create table players (
    tenant_id         int not null,
    generation        int not null,
    logins            bigint not null,
    first_seen        timestamptz not null,
    last_seen         timestamptz not null,
    last_login        timestamptz,
    registration_date timestamptz,
    consent_email     boolean,
    is_blocked        boolean,
    player_id         text collate "C" not null,
    username          text,
    country           text collate "C",
    currency          text collate "C",
    gender            text collate "C",
    affiliate         text collate "C",
    operator          text collate "C",
    tags              text[] collate "C" not null default '{}',
    tags_cut          text[] collate "C" not null default '{}',
    stamps            jsonb not null default '{}',
    primary key (tenant_id, generation, player_id)
) with (fillfactor = 50);

create index players_by_tag on players using gin (tags_cut);
-- What is known of a player has any length: one of more than some 2,000 bytes does not fit an index entry.
-- Who is only ever seen has no entry in them, and being seen again changes none.
create index players_by_country on players (tenant_id, generation, left(country, 255), player_id)
    where country is not null;
create index players_by_currency on players (tenant_id, generation, left(currency, 255), player_id)
    where currency is not null;
create index players_by_affiliate on players (tenant_id, generation, left(affiliate, 255), player_id)
    where affiliate is not null;
create index players_by_operator on players (tenant_id, generation, left(operator, 255), player_id)
    where operator is not null;
create index players_by_blocked on players (tenant_id, generation, is_blocked, player_id)
    where is_blocked is not null;

-- name_folded: the name case-folded, for searching in it whatever the server's locale.
create table games (
    tenant_id     int not null,
    generation    int not null,
    first_seen    timestamptz not null,
    last_seen     timestamptz not null,
    game_id       text collate "C" not null,
    name          text,
    name_folded   text collate "C",
    provider      text collate "C",
    device        text collate "C",
    has_freespins text collate "C",
    categories    text[] collate "C" not null default '{}',
    features      text[] collate "C" not null default '{}',
    themes        text[] collate "C" not null default '{}',
    stamps        jsonb not null default '{}',
    primary key (tenant_id, generation, game_id)
) with (fillfactor = 50);

-- Of a generation that is new since the last analyze the planner would expect no rows, and sort all
-- of a tenant's instead of reading a page by an index. Without statistics it expects some of any. (Those of
-- players it needs, to weigh tags; there the generation is hidden from it.)
alter table balances alter column generation set statistics 0;
alter table balance_periods alter column generation set statistics 0;
alter table rounds alter column generation set statistics 0;
alter table activity alter column generation set statistics 0;
alter table transactions alter column generation set statistics 0;
alter table games alter column generation set statistics 0;
