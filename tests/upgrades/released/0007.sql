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
-- Name: erase(integer, bigint, bigint[], bigint[]); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.erase(of_tenant integer, of_record bigint, positions bigint[], numbers bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
begin
    insert into erased (tenant_id, position, commitment, record_position)
    select tenant_id, position,
           sha256('\x02'::bytea || case when salt = '' then decode(repeat('00', 16), 'hex') else salt end
                  || state),
           of_record
      from events where tenant_id = of_tenant and position = any(positions);
    update events set state = null, salt = '' where tenant_id = of_tenant and position = any(positions);

    insert into erased_conflicts (tenant_id, number, record_position)
    select tenant_id, number, of_record
      from conflicts where tenant_id = of_tenant and number = any(numbers);
    update conflicts set data = null, content_hash = uuid_send(gen_random_uuid())
     where tenant_id = of_tenant and number = any(numbers);
end
$$;


--
-- Name: refuse_all_but_erasure(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_all_but_erasure() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    bare events := old;
    committed bytea := sha256('\x02'::bytea || case when old.salt = '' then decode(repeat('00', 16), 'hex')
                                                    else old.salt end || old.state);
begin
    bare.state := null;
    bare.salt := '';
    if new is distinct from bare or not exists (
        select from erased e join events r on r.tenant_id = e.tenant_id and r.position = e.record_position
         where e.tenant_id = old.tenant_id and e.position = old.position and e.commitment = committed
           and r.topic = 'PlayerErased' and r.stream = old.stream)
    then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;


--
-- Name: refuse_all_but_erasure_of_conflicts(); Type: FUNCTION; Schema: roundbook; Owner: -
--

CREATE FUNCTION roundbook.refuse_all_but_erasure_of_conflicts() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'roundbook', 'pg_temp'
    AS $$
declare
    bare conflicts := old;
begin
    bare.data := null;
    bare.content_hash := new.content_hash;
    if new is distinct from bare or old.data is null or not exists (
        select from erased_conflicts e join events r
            on r.tenant_id = e.tenant_id and r.position = e.record_position
         where e.tenant_id = old.tenant_id and e.number = old.number and r.topic = 'PlayerErased')
    then
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;


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
-- Name: accesses; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.accesses (
    number bigint NOT NULL,
    accessed_at timestamp with time zone NOT NULL,
    tenant_id integer NOT NULL,
    key_id integer NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    query text NOT NULL,
    last_event_id text NOT NULL,
    CONSTRAINT accesses_check CHECK ((GREATEST(octet_length(method), octet_length(path), octet_length(query), octet_length(last_event_id)) < 65536))
);


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
-- Name: anchors; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.anchors (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL,
    size bigint NOT NULL,
    receipt bytea NOT NULL,
    anchored_at timestamp with time zone NOT NULL
);


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
-- Name: checkpoints; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.checkpoints (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    sealed_at timestamp with time zone NOT NULL
);


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
    data bytea
);


--
-- Name: erased; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.erased (
    tenant_id integer NOT NULL,
    "position" bigint NOT NULL,
    commitment bytea NOT NULL,
    record_position bigint NOT NULL
);


--
-- Name: erased_conflicts; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.erased_conflicts (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    record_position bigint NOT NULL
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
    state bytea,
    salt bytea DEFAULT '\x'::bytea NOT NULL
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
-- Name: head_pages; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_pages (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    page bigint NOT NULL,
    first_stream text NOT NULL COLLATE pg_catalog."C",
    entries bytea NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.head_pages ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: head_statements; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_statements (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    size bigint NOT NULL,
    statement bytea NOT NULL,
    made_at timestamp with time zone NOT NULL
);


--
-- Name: head_tiles; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.head_tiles (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    n bigint NOT NULL,
    level smallint NOT NULL,
    tile bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.head_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: holds; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.holds (
    tenant_id integer NOT NULL,
    number bigint NOT NULL,
    player_id text NOT NULL COLLATE pg_catalog."C",
    held boolean NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL
);


--
-- Name: leaf_runs; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.leaf_runs (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    first_position bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.leaf_runs ALTER COLUMN hashes SET STORAGE EXTERNAL;


--
-- Name: log_keys; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.log_keys (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    number integer NOT NULL,
    vkey text NOT NULL,
    from_size bigint NOT NULL,
    note text,
    revoked boolean DEFAULT false NOT NULL,
    added_at timestamp with time zone NOT NULL
);


--
-- Name: logs; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.logs (
    tenant_id integer NOT NULL,
    number integer NOT NULL,
    log_id bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    predecessor bytea,
    note text
);


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
-- Name: sealing; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.sealing (
    tenant_id integer NOT NULL,
    failure text,
    failed_at timestamp with time zone,
    finding text,
    found_by text,
    found_at timestamp with time zone
);


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
-- Name: tiles; Type: TABLE; Schema: roundbook; Owner: -
--

CREATE TABLE roundbook.tiles (
    tenant_id integer NOT NULL,
    log_number integer NOT NULL,
    tree text NOT NULL COLLATE pg_catalog."C",
    level smallint NOT NULL,
    n bigint NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE ONLY roundbook.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;


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
-- Data for Name: accesses; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: activity; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, 'g', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0);
INSERT INTO roundbook.activity VALUES ('2025-01-15', 1, 1, '', 'EUR', 1, 1, 1, 2.5, 0, 7.25, 0);


--
-- Data for Name: anchors; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.api_keys VALUES (1, '\x7686d58be3eccc6a85357f1009e0d3cf259adfc3e59da3e10c737f9d6a990bfa', 1, '{ingest,read}', '', '2026-11-29 09:34:17.587387+00', NULL, NULL);


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
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.checkpoints VALUES (1, 1, 'log', 7, '\xcda8d8f284e2f0658f671a4cbeb127b53e66b05bf2322b973a4488c61f8b3046', 'roundbook.invalid/log/6f1d23aceab92c379da5cdaf91d0ad25
7
zajY8oTi8GWPZxpMvrEntT5msFvyMiuXOkSIxh+LMEY=

— roundbook.invalid/log/6f1d23aceab92c379da5cdaf91d0ad25 rgNc6Zgs3IFKO23hpGkX0tIcQH5B8e+qik7r/a8wBGlzrdmgQ2pxmq1gYI7ULqU6Zhzt9oT3FFJJ2Z/RQ4JSh3JIpg8=
', '2026-11-29 09:34:18.832828+00');


--
-- Data for Name: conflicts; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: erased; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: erased_conflicts; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: events; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.events VALUES (1, '2025-01-15 12:00:00+00', '2026-11-29 09:34:17.999073+00', 1, 1, '\x53199585bddea28e67fe7143a42baef7', 'player:p', 'PlayerUpdated', '\x7b22756e697175655f6964223a20227531222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022636f756e747279223a20224d54222c2022757365726e616d65223a2022416461227d', '\x71889895b9cd776fe14d7b83fbade2c5');
INSERT INTO roundbook.events VALUES (2, '2025-01-15 12:00:00+00', '2026-11-29 09:34:17.999073+00', 1, 1, '\xa05bfb42565443c273befd7bd97cb8a4', 'game:g', 'GameUpdated', '\x7b22756e697175655f6964223a20226731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c202267616d655f6964223a202267222c20226e616d65223a2022426f6f6b222c202270726f7669646572223a202273747564696f227d', '\x');
INSERT INTO roundbook.events VALUES (3, '2025-01-15 12:00:00+00', '2026-11-29 09:34:17.999073+00', 1, 2, '\xb1ae67889e21e2c7e6fbcc110d91334a', 'player:p', 'LoggedIn', '\x7b22756e697175655f6964223a20226c31222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270227d', '\xc67d3099a35556ff0e00a0e9e1d9f9bf');
INSERT INTO roundbook.events VALUES (4, '2025-01-15 12:00:00+00', '2026-11-29 09:34:18.016927+00', 1, 3, '\x70216ddf1d2e2c57a587dfaad501dc76', 'player:p', 'Deposited', '\x7b22756e697175655f6964223a20226431222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c2022616d6f756e74223a2032302c202263757272656e6379223a2022455552222c20226d6574686f64223a202263617264227d', '\x');
INSERT INTO roundbook.events VALUES (5, '2025-01-15 12:00:00+00', '2026-11-29 09:34:18.016927+00', 1, 4, '\x932be1794a47fa5cb9e3dfb06ab3f25f', 'player:p', 'BetPlaced', '\x7b22756e697175655f6964223a20226231222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20322e352c202263757272656e6379223a2022455552222c202269735f77696e223a2066616c73652c202269735f626f6e7573223a2066616c73657d', '\x');
INSERT INTO roundbook.events VALUES (6, '2025-01-15 12:00:00+00', '2026-11-29 09:34:18.016927+00', 1, 5, '\x87e637370b4957ecd43efe7fd11db6c0', 'player:p', 'WinPaid', '\x7b22756e697175655f6964223a20227731222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202270222c202267616d655f6964223a202267222c2022726f756e645f6964223a202272222c2022616d6f756e74223a20372e32352c202263757272656e6379223a2022455552222c202269735f77696e223a20747275652c202269735f626f6e7573223a2066616c73657d', '\x');
INSERT INTO roundbook.events VALUES (7, '2025-01-15 12:00:00+00', '2026-11-29 09:34:18.016927+00', 1, 1, '\xdc8d03edd42d1bc9a5f58b2a34ef06bd', 'player:q', 'LoggedIn', '\x7b22756e697175655f6964223a20226c32222c202274696d657374616d70223a2022323032352d30312d31355431323a30303a30305a222c2022706c617965725f6964223a202271227d', '\x5f633ba6f7c0e9f5ae094757c2441b5c');


--
-- Data for Name: games; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.games VALUES (1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 'g', 'Book', 'book', 'studio', NULL, NULL, '{}', '{}', '{}', '{"name": ["2025-01-15T12:00:00Z", "g1"], "provider": ["2025-01-15T12:00:00Z", "g1"]}');


--
-- Data for Name: head_pages; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: head_statements; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: head_tiles; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: holds; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: leaf_runs; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.leaf_runs VALUES (1, 1, 1, '\x3b28749b7f3f03c22c101d0d167018a5e3052758e6412387d6d0c76ac1aaa4fea1437a5c12062f9b4b5f681acb9d175efd6f1c2bd77cf3b80c27eefb5f15fc2c43995fb3a4abb7581c3fe96760d04b1adb3cce5ff46480e31b6c307b64ea26a3');
INSERT INTO roundbook.leaf_runs VALUES (1, 1, 4, '\x9db4e0b65767f9111b8ac99ee376da2140275d347ed620f351e5ad1df5fc54ee56b389b1379ce3937ca32a205af27dc5dc2465964d80cfad8e75f0a4efce063f79c664684a0e7ba8e46d79b22ec908e26c12c34f848eda728dc94eeb43bc777b3bbb0c249505d1b53317987dc91130b53a76c94599c61a8077e7f6c3e4c88f24');


--
-- Data for Name: log_keys; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.log_keys VALUES (1, 1, 1, 'roundbook.invalid/log/6f1d23aceab92c379da5cdaf91d0ad25+ae035ce9+ActOVG9R/Pu7IpZwz4/dmKXAdzX52kJIVa7+zZbFddVC', 0, NULL, false, '2026-11-29 09:34:15.525499+00');


--
-- Data for Name: logs; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.logs VALUES (1, 1, '\x6f1d23aceab92c379da5cdaf91d0ad25', '2026-11-29 09:34:15.513932+00', NULL, NULL);


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.migrations VALUES (1, 'log', '2026-11-29 09:34:09.731098+00');
INSERT INTO roundbook.migrations VALUES (2, 'read_models', '2026-11-29 09:34:09.752215+00');
INSERT INTO roundbook.migrations VALUES (3, 'evidence', '2026-11-29 09:34:09.787769+00');
INSERT INTO roundbook.migrations VALUES (4, 'sealing', '2026-11-29 09:34:09.794841+00');
INSERT INTO roundbook.migrations VALUES (5, 'erasure', '2026-11-29 09:34:09.807461+00');
INSERT INTO roundbook.migrations VALUES (6, 'accesses', '2026-11-29 09:34:09.816546+00');
INSERT INTO roundbook.migrations VALUES (7, 'heads', '2026-11-29 09:34:09.821466+00');


--
-- Data for Name: players; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'p', 'Ada', 'MT', NULL, NULL, NULL, NULL, '{}', '{}', '{"country": ["2025-01-15T12:00:00Z", "u1"], "username": ["2025-01-15T12:00:00Z", "u1"]}');
INSERT INTO roundbook.players VALUES (1, 1, 1, '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', NULL, NULL, NULL, 'q', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}');


--
-- Data for Name: rounds; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.rounds VALUES ('2025-01-15 12:00:00+00', '2025-01-15 12:00:00+00', 1, 1, 1, 1, '\xf6667d2a8bc89770d35c92a25c97dfb3', false, 'settled', 'p', 'g', 'r', '{"EUR":["2.5","0","7.25","0",["2025-01-15"]]}', '{5,6}');


--
-- Data for Name: sealing; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.sealing VALUES (1, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: snapshots; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenant_currencies; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tenants; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tenants VALUES (1, 'acme', '2026-11-29 09:34:15.507542+00');


--
-- Data for Name: tiles; Type: TABLE DATA; Schema: roundbook; Owner: -
--



--
-- Data for Name: tracking; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.tracking VALUES (1, 1, 7, NULL, '2026-11-29 09:34:18.050888+00', NULL, true, false, '{"games": 1, "rounds": 1, "players": 1, "activity": 1, "balances": 1, "transactions": 1}', NULL);


--
-- Data for Name: transactions; Type: TABLE DATA; Schema: roundbook; Owner: -
--

INSERT INTO roundbook.transactions VALUES (4, '2025-01-15 12:00:00+00', 1, 1, 'deposit', 'd1', 'p', 20, 'EUR', 'card', NULL);


--
-- Name: accesses accesses_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.accesses
    ADD CONSTRAINT accesses_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: activity activity_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (tenant_id, generation, day, game_id, currency);


--
-- Name: anchors anchors_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.anchors
    ADD CONSTRAINT anchors_pkey PRIMARY KEY (tenant_id, log_number, tree, target, size);


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
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (tenant_id, log_number, tree, size);


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
-- Name: erased_conflicts erased_conflicts_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.erased_conflicts
    ADD CONSTRAINT erased_conflicts_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: erased erased_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (tenant_id, "position");


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
-- Name: head_pages head_pages_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_pages
    ADD CONSTRAINT head_pages_pkey PRIMARY KEY (tenant_id, log_number, n, page);


--
-- Name: head_pages head_pages_tenant_id_log_number_n_first_stream_key; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_pages
    ADD CONSTRAINT head_pages_tenant_id_log_number_n_first_stream_key UNIQUE (tenant_id, log_number, n, first_stream);


--
-- Name: head_statements head_statements_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_statements
    ADD CONSTRAINT head_statements_pkey PRIMARY KEY (tenant_id, log_number, n);


--
-- Name: head_tiles head_tiles_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.head_tiles
    ADD CONSTRAINT head_tiles_pkey PRIMARY KEY (tenant_id, log_number, n, level, tile);


--
-- Name: holds holds_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, number);


--
-- Name: leaf_runs leaf_runs_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.leaf_runs
    ADD CONSTRAINT leaf_runs_pkey PRIMARY KEY (tenant_id, log_number, first_position);


--
-- Name: log_keys log_keys_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.log_keys
    ADD CONSTRAINT log_keys_pkey PRIMARY KEY (tenant_id, log_number, number);


--
-- Name: logs logs_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (tenant_id, number);


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
-- Name: sealing sealing_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.sealing
    ADD CONSTRAINT sealing_pkey PRIMARY KEY (tenant_id);


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
-- Name: tiles tiles_pkey; Type: CONSTRAINT; Schema: roundbook; Owner: -
--

ALTER TABLE ONLY roundbook.tiles
    ADD CONSTRAINT tiles_pkey PRIMARY KEY (tenant_id, log_number, tree, level, n);


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
-- Name: accesses_by_key; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX accesses_by_key ON roundbook.accesses USING btree (tenant_id, key_id, number);


--
-- Name: accesses_by_time; Type: INDEX; Schema: roundbook; Owner: -
--

CREATE INDEX accesses_by_time ON roundbook.accesses USING btree (tenant_id, accessed_at, number);


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
-- Name: accesses append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.accesses FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: anchors append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.anchors FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: checkpoints append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: conflicts append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF tenant_id, number, "position", received_at, key, unique_id, event OR TRUNCATE ON roundbook.conflicts FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: erased append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.erased FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: erased_conflicts append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.erased_conflicts FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: events append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF "position", occurred_at, recorded_at, tenant_id, version, key, stream, topic OR TRUNCATE ON roundbook.events FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: head_statements append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.head_statements FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: holds append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.holds FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: leaf_runs append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.leaf_runs FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: log_keys append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.log_keys FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: logs append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.logs FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: tiles append_only; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON roundbook.tiles FOR EACH STATEMENT EXECUTE FUNCTION roundbook.refuse_change();


--
-- Name: conflicts append_only_but_erasure; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only_but_erasure BEFORE UPDATE ON roundbook.conflicts FOR EACH ROW EXECUTE FUNCTION roundbook.refuse_all_but_erasure_of_conflicts();


--
-- Name: events append_only_but_erasure; Type: TRIGGER; Schema: roundbook; Owner: -
--

CREATE TRIGGER append_only_but_erasure BEFORE UPDATE ON roundbook.events FOR EACH ROW EXECUTE FUNCTION roundbook.refuse_all_but_erasure();


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


