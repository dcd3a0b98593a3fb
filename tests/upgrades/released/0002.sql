--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: roundbook; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA roundbook;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege';
end
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: activity; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.activity (
    day date NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    game_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    rounds bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL
)
WITH (fillfactor='70');
ALTER TABLE ONLY roundbook.activity ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: api_keys; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.api_keys (
    key_id integer NOT NULL,
    key_hash bytea NOT NULL,
    tenant_id integer NOT NULL,
    scopes text[] NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);


--
-- Name: balance_periods; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.balance_periods (
    period timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    is_day boolean NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    deposited numeric NOT NULL,
    withdrawn numeric NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL,
    deposited_eur numeric NOT NULL,
    deposits bigint NOT NULL,
    withdrawals bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL,
    positions bigint[] NOT NULL
)
WITH (fillfactor='70');
ALTER TABLE ONLY roundbook.balance_periods ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: balances; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.balances (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    deposited numeric NOT NULL,
    withdrawn numeric NOT NULL,
    bet_real numeric NOT NULL,
    bet_bonus numeric NOT NULL,
    win_real numeric NOT NULL,
    win_bonus numeric NOT NULL,
    deposited_eur numeric NOT NULL,
    deposits bigint NOT NULL,
    withdrawals bigint NOT NULL,
    bets bigint NOT NULL,
    wins bigint NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE ONLY roundbook.balances ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: conflicts; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.conflicts (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    "position" bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    key bytea NOT NULL,
    content_hash bytea NOT NULL,
    unique_id text NOT NULL,
    event text NOT NULL,
    data bytea NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.events (
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    version integer NOT NULL,
    key bytea,
    stream text NOT NULL COLLATE pg_catalog."C",
    topic text NOT NULL COLLATE pg_catalog."C",
    state bytea NOT NULL
);


--
-- Name: games; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.games (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    game_id text NOT NULL COLLATE pg_catalog."C",
    name text,
    name_folded text COLLATE pg_catalog."C",
    provider text COLLATE pg_catalog."C",
    device text COLLATE pg_catalog."C",
    has_freespins text COLLATE pg_catalog."C",
    categories text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    features text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    themes text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE ONLY roundbook.games ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: migrations; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);


--
-- Name: players; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.players (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    logins bigint NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    last_login timestamp with time zone,
    registration_date timestamp with time zone,
    consent_email boolean,
    is_blocked boolean,
    player_id text NOT NULL COLLATE pg_catalog."C",
    username text,
    country text COLLATE pg_catalog."C",
    currency text COLLATE pg_catalog."C",
    gender text COLLATE pg_catalog."C",
    affiliate text COLLATE pg_catalog."C",
    operator text COLLATE pg_catalog."C",
    tags text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    tags_cut text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL
)
WITH (fillfactor='50');


--
-- Name: rounds; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.rounds (
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    bet_count integer NOT NULL,
    win_count integer NOT NULL,
    key bytea NOT NULL,
    mixed_currency boolean NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    player_id text NOT NULL COLLATE pg_catalog."C",
    game_id text NOT NULL COLLATE pg_catalog."C",
    round_id text NOT NULL COLLATE pg_catalog."C",
    sums text NOT NULL,
    positions bigint[] NOT NULL
);
ALTER TABLE ONLY roundbook.rounds ALTER COLUMN generation SET STATISTICS 0;


--
-- Name: snapshots; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.snapshots (
    tenant_id integer NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL
);


--
-- Name: tenant_currencies; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tenant_currencies (
    tenant_id integer NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: tenants; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tenants (
    tenant_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL
);


--
-- Name: tracking; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tracking (
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    "position" bigint NOT NULL,
    failed_position bigint,
    updated_at timestamp with time zone NOT NULL,
    failed_at timestamp with time zone,
    live boolean NOT NULL,
    retired boolean DEFAULT false NOT NULL,
    versions jsonb DEFAULT '{}'::jsonb NOT NULL,
    failure text
);


--
-- Name: transactions; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.transactions (
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    generation integer NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    unique_id text NOT NULL COLLATE pg_catalog."C",
    player_id text NOT NULL COLLATE pg_catalog."C",
    amount numeric NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    method text NOT NULL COLLATE pg_catalog."C",
    amount_eur numeric
);
ALTER TABLE ONLY roundbook.transactions ALTER COLUMN generation SET STATISTICS 0;


--
-- Data for Name: activity; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, 'g', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0);
INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, '', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0);


--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.api_keys VALUES (1, '\xe289dbad3960c30d5059b088a136c17494f906bb142022a7905b176db9650aa4', 1, '{ingest,read}', '', '2026-11-29 09:34:05.990791+00', NULL, NULL);


--
-- Data for Name: balance_periods; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.balance_periods VALUES ('2025-01-15 12:00:00+00', 1, 1, false, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1, '{4,5,6}');
INSERT INTO roundbook.balance_periods VALUES ('2025-01-15 00:00:00+00', 1, 1, true, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1, '{}');


--
-- Data for Name: balances; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.balances VALUES (1, 1, 'p', 'EUR', 20, 0, 2.5, 0, 7.25, 0, 0, 1, 0, 1, 1);


--
-- Data for Name: conflicts; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: events; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.events VALUES (1, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.330386+00', 1, 1, '\x53199585bddea28e67fe7143a42baef7', 'player:p', 'PlayerUpdated', '\x7b22756e697175655f6964223a20227531222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022636f756e747279223a20224d54222c2022757365726e616d65223a2022416461227d');
INSERT INTO roundbook.events VALUES (2, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.330386+00', 1, 1, '\xa05bfb42565443c273befd7bd97cb8a4', 'game:g', 'GameUpdated', '\x7b22756e697175655f6964223a20226731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c202267616d655f6964223a202267222c20226e616d65223a2022426f6f6b222c202270726f7669646572223a202273747564696f227d');
INSERT INTO roundbook.events VALUES (3, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.330386+00', 1, 2, '\xb1ae67889e21e2c7e6fbcc110d91334a', 'player:p', 'LoggedIn', '\x7b22756e697175655f6964223a20226c31222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270227d');
INSERT INTO roundbook.events VALUES (4, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.338984+00', 1, 3, '\x70216ddf1d2e2c57a587dfaad501dc76', 'player:p', 'Deposited', '\x7b22756e697175655f6964223a20226431222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022616d6f756e74223a2032302c202263757272656e6379223a2022455552222c20226d6574686f64223a202263617264227d');
INSERT INTO roundbook.events VALUES (5, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.338984+00', 1, 4, '\x932be1794a47fa5cb9e3dfb06ab3f25f', 'player:p', 'BetPlaced', '\x7b22756e697175655f6964223a20226231222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20322e352c202263757272656e6379223a2022455552222c202269735f77696e223a2066616c73652c202269735f626f6e7573223a2066616c73657d');
INSERT INTO roundbook.events VALUES (6, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.338984+00', 1, 5, '\x87e637370b4957ecd43efe7fd11db6c0', 'player:p', 'WinPaid', '\x7b22756e697175655f6964223a20227731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20372e32352c202263757272656e6379223a2022455552222c202269735f77696e223a20747275652c202269735f626f6e7573223a2066616c73657d');
INSERT INTO roundbook.events VALUES (7, '2025-01-15 12:00:00+00', '2026-11-29 09:34:06.338984+00', 1, 1, '\xdc8d03edd42d1bc9a5f58b2a34ef06bd', 'player:q', 'LoggedIn', '\x7b22756e697175655f6964223a20226c32222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202271227d');


--
-- Data for Name: games; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.games VALUES (1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 'g', 'Book', 'book', 'studio', NULL, NULL, '{}', '{}', '{}', '{"name": ["2025-01-15T12:00:00Z", "g1"], "provider": ["2025-01-15T12:00:00Z", "g1"]}');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.migrations VALUES (1, 'log', '2026-11-29 09:34:03.372888+00');
INSERT INTO roundbook.migrations VALUES (2, 'read_models', '2026-11-29 09:34:03.388594+00');


--
-- Data for Name: players; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'q', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}');
INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'p', 'Ada', 'MT', NULL, NULL, NULL, NULL, '{}', '{}', '{"country": ["2025-01-15T12:00:00Z", "u1"], "username": ["2025-01-15T12:00:00Z", "u1"]}');


--
-- Data for Name: rounds; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.rounds VALUES ('2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 1, 1, 1, 1, '\xf6667d2a8bc89770d35c92a25c97dfb3', false, 'settled', 'p', 'g', 'r', '{"EUR":["2.5","0","7.25","0",["2025-01-15"]]}', '{5,6}');


--
-- Data for Name: snapshots; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenant_currencies; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenants; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tenants VALUES (1, 'acme', '2026-11-29 09:34:04.384769+00');


--
-- Data for Name: tracking; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tracking VALUES (1, 1, 7, NULL, '2026-11-29 09:34:06.406375+00', NULL, true, false, '{"games": 1, "rounds": 1, "players": 1, "activity": 1, "balances": 1, "transactions": 1}', NULL);


--
-- Data for Name: transactions; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.transactions VALUES (4, '2025-01-15 12:00:00+00', 1, 1, 'deposit', 'd1', 'p', 20, 'EUR', 'card', NULL);


--
-- Name: activity activity_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (tenant_id, generation, day, game_id, currency);


--
-- Name: api_keys api_keys_key_hash_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);


--
-- Name: balance_periods balance_periods_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.balance_periods
    ADD CONSTRAINT balance_periods_pkey PRIMARY KEY (tenant_id, generation, player_id, is_day, period, currency);


--
-- Name: balances balances_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (tenant_id, generation, player_id, currency);


--
-- Name: conflicts conflicts_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.conflicts
    ADD CONSTRAINT conflicts_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: conflicts conflicts_tenant_id_key_content_hash_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.conflicts
    ADD CONSTRAINT conflicts_tenant_id_key_content_hash_key UNIQUE (tenant_id, key, content_hash);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, "position");


--
-- Name: events events_tenant_id_key_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_tenant_id_key_key UNIQUE (tenant_id, key);


--
-- Name: events events_tenant_id_stream_version_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.events
    ADD CONSTRAINT events_tenant_id_stream_version_key UNIQUE (tenant_id, stream, version);


--
-- Name: games games_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.games
    ADD CONSTRAINT games_pkey PRIMARY KEY (tenant_id, generation, game_id);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);


--
-- Name: players players_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.players
    ADD CONSTRAINT players_pkey PRIMARY KEY (tenant_id, generation, player_id);


--
-- Name: rounds rounds_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.rounds
    ADD CONSTRAINT rounds_pkey PRIMARY KEY (tenant_id, key, generation);


--
-- Name: snapshots snapshots_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (tenant_id, stream, version);


--
-- Name: tenant_currencies tenant_currencies_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenant_currencies
    ADD CONSTRAINT tenant_currencies_pkey PRIMARY KEY (tenant_id, code);


--
-- Name: tenants tenants_name_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenants
    ADD CONSTRAINT tenants_name_key UNIQUE (name);


--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);


--
-- Name: tracking tracking_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tracking
    ADD CONSTRAINT tracking_pkey PRIMARY KEY (tenant_id, generation);


--
-- Name: transactions transactions_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (tenant_id, generation, "position");


--
-- Name: activity_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_by_currency ON roundbook.activity USING btree (tenant_id, generation, currency, day, game_id);


--
-- Name: activity_by_game; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_by_game ON roundbook.activity USING btree (tenant_id, generation, game_id, day, currency);


--
-- Name: activity_of_games; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_of_games ON roundbook.activity USING btree (tenant_id, generation, game_id, currency, day);


--
-- Name: activity_of_games_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX activity_of_games_by_currency ON roundbook.activity USING btree (tenant_id, generation, currency, game_id, day);


--
-- Name: balances_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX balances_by_currency ON roundbook.balances USING btree (tenant_id, generation, currency, player_id);


--
-- Name: conflicts_by_position; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX conflicts_by_position ON roundbook.conflicts USING btree (tenant_id, "position");


--
-- Name: events_by_rare_topic; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX events_by_rare_topic ON roundbook.events USING btree (tenant_id, topic, "position") WHERE (topic <> ALL (ARRAY['BetPlaced'::text, 'WinPaid'::text]));


--
-- Name: players_by_affiliate; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_affiliate ON roundbook.players USING btree (tenant_id, generation, "left"(affiliate, 255), player_id) WHERE (affiliate IS NOT NULL);


--
-- Name: players_by_blocked; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_blocked ON roundbook.players USING btree (tenant_id, generation, is_blocked, player_id) WHERE (is_blocked IS NOT NULL);


--
-- Name: players_by_country; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_country ON roundbook.players USING btree (tenant_id, generation, "left"(country, 255), player_id) WHERE (country IS NOT NULL);


--
-- Name: players_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_currency ON roundbook.players USING btree (tenant_id, generation, "left"(currency, 255), player_id) WHERE (currency IS NOT NULL);


--
-- Name: players_by_operator; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_operator ON roundbook.players USING btree (tenant_id, generation, "left"(operator, 255), player_id) WHERE (operator IS NOT NULL);


--
-- Name: players_by_tag; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX players_by_tag ON roundbook.players USING gin (tags_cut);


--
-- Name: rounds_by_game; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_game ON roundbook.rounds USING btree (tenant_id, generation, game_id, first_at, key);


--
-- Name: rounds_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_player ON roundbook.rounds USING btree (tenant_id, generation, player_id, first_at, key);


--
-- Name: rounds_by_round; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_round ON roundbook.rounds USING btree (tenant_id, generation, round_id, first_at, key);


--
-- Name: rounds_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_by_time ON roundbook.rounds USING btree (tenant_id, generation, first_at, key);


--
-- Name: rounds_mixed; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_mixed ON roundbook.rounds USING btree (tenant_id, generation, first_at, key) WHERE mixed_currency;


--
-- Name: rounds_unusual; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX rounds_unusual ON roundbook.rounds USING btree (tenant_id, generation, status, first_at, key) WHERE (status <> 'settled'::text);


--
-- Name: tracking_live; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE UNIQUE INDEX tracking_live ON roundbook.tracking USING btree (tenant_id) WHERE live;


--
-- Name: transactions_by_currency; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_currency ON roundbook.transactions USING btree (tenant_id, generation, currency, occurred_at, "position");


--
-- Name: transactions_by_method; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_method ON roundbook.transactions USING btree (tenant_id, generation, method, occurred_at, "position");


--
-- Name: transactions_by_player; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_player ON roundbook.transactions USING btree (tenant_id, generation, player_id, occurred_at, "position");


--
-- Name: transactions_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_time ON roundbook.transactions USING btree (tenant_id, generation, occurred_at, "position");


--
-- Name: transactions_by_type; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX transactions_by_type ON roundbook.transactions USING btree (tenant_id, generation, type, occurred_at, "position");


--
-- Name: conflicts append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.conflicts FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: events append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.events FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: api_keys api_keys_tenant_id_fkey; Type: FK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES roundbook.tenants(tenant_id);


--
-- Name: tenant_currencies tenant_currencies_tenant_id_fkey; Type: FK CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tenant_currencies
    ADD CONSTRAINT tenant_currencies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES roundbook.tenants(tenant_id);


--
-- PostgreSQL database dump complete
--


