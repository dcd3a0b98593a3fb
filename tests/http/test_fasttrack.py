"""Fast Track's dialect: what is sent in it counts as our own items do, and comes back as it was sent."""

import json
from typing import Any

import httpx
import pytest

from tests.http.wire import EVENTS, NOON, assert_problem, bet, body, counts, deposit, login

BULK = "/api/v1/integrations/fasttrack/bulk"
RECEIPT = {"prefer": "return=representation"}

Payload = dict[str, Any]


def payload(event: str, **data: Any) -> Payload:
    return {"event": event, "data": {"user_id": "u", "timestamp": NOON, **data}}


def casino(unique_id: str, of_type: str, amount: Any, bonus: Any = 0, **data: Any) -> Payload:
    play = {"unique_id": unique_id, "game_id": "g", "round_id": "r", "currency": "EUR"}
    money = {"type": of_type, "amount": amount, "bonus_wager_amount": bonus}
    return payload("realtime-casino", **{**play, **money, **data})


def payment(payment_id: str, of_type: str, amount: Any, **data: Any) -> Payload:
    paid = {"payment_id": payment_id, "type": of_type, "amount": amount, "status": "Approved"}
    return payload("realtime-payment", **{**paid, "currency": "EUR", "vendor_name": "Card", **data})


def send(client: httpx.Client, *items: Any, **headers: str) -> httpx.Response:
    return client.post(BULK, content=json.dumps(items), headers=headers)


def taken(answer: httpx.Response) -> tuple[int, ...]:
    """How many were stored, duplicates, conflicts, invalid, ignored."""
    names = ("invalid", "ignored")
    return (*counts(answer), *(int(answer.headers[f"events-{name}"]) for name in names))


def shown(client: httpx.Client, path: str, **filters: Any) -> list[dict[str, Any]]:
    """What a query shows of all that was sent so far."""
    position = client.get("/api/v1/status").json()["log_position"]
    asked = {**filters, **({} if path in {"history", "refused"} else {"at_least": position})}
    answer = client.get(f"/api/v1/{path}", params=asked)
    assert answer.is_success, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_visit_counts_as_if_it_were_sent_in_our_own_words(client: httpx.Client) -> None:
    answer = send(
        client,
        payload("login", origin="sub.example.com"),
        payment("p1", "Credit", 100.5, base_amount=100.5),
        payment("p2", "DEBIT", "20.25"),
        casino("b1", "Bet", 2.5),
        casino("w1", "WIN", 4),
        casino("b2", "bet", 3, 3, round_id="bonus"),
        casino("w2", "win", 1, 1, round_id="bonus"),
        casino("b3", "bet", 1, round_id="lost"),
        casino("l3", "Loss", 1, round_id="lost"),
    )
    assert taken(answer) == (9, 0, 0, 0, 0)
    [balance] = shown(client, "balances", player_id="u")
    assert balance["counts"] == {"deposits": 1, "withdrawals": 1, "bets": 3, "wins": 3}
    sums = ("deposited", "withdrawn", "bet_real", "bet_bonus", "win_real", "win_bonus", "real")
    assert [balance[name] for name in sums] == ["100.5", "20.25", "3.5", "3", "4", "1", "80.75"]
    [lost] = shown(client, "rounds", round_id="lost")
    assert (lost["status"], lost["bet_count"], lost["win_count"]) == ("settled", 1, 1)
    assert [win["amount"] for win in lost["wins"]] == ["0"]
    transactions = shown(client, "transactions", player_id="u")
    assert {(each["unique_id"], each["type"], each["method"]) for each in transactions} == {
        ("p1", "deposit", "Card"),
        ("p2", "withdraw", "Card"),
    }
    [day] = shown(client, "activity", group_by="currency")
    assert (day["rounds"], day["bets"], day["ggr_real"], day["ggr_bonus"]) == (3, 3, "-0.5", "2")
    player = client.get("/api/v1/players/u").json()
    assert (player["logins"], player["last_login"]) == (1, NOON)


def test_what_is_part_real_and_part_bonus_is_one_event_with_both(client: httpx.Client) -> None:
    send(
        client,
        casino("b", "bet", 10, 2.5),
        casino("w", "win", 0.3, 0.1, timestamp="2025-01-15T12:00:01Z"),
    )
    [balance] = shown(client, "balances", player_id="u")
    assert (balance["counts"]["bets"], balance["counts"]["wins"]) == (1, 1)
    sums = ("bet_real", "bet_bonus", "win_real", "win_bonus", "real", "bonus")
    assert [balance[name] for name in sums] == ["7.5", "2.5", "0.2", "0.1", "-7.3", "-2.4"]
    [played] = shown(client, "rounds", round_id="r")
    assert (played["bet_count"], played["win_count"], played["status"]) == (1, 1, "settled")
    assert played["sums"][0]["net_bonus"] == "-2.4"
    [stake], [won] = played["bets"], played["wins"]
    assert (stake["amount"], stake["bonus_amount"], stake["is_bonus"]) == ("10", "2.5", False)
    assert (won["amount"], won["bonus_amount"], won["is_bonus"]) == ("0.3", "0.1", False)
    [day] = shown(client, "activity", group_by="currency")
    assert [day[name] for name in ("bets", "bet_real", "bet_bonus", "ggr_bonus")] == [
        1,
        "7.5",
        "2.5",
        "2.4",
    ]
    assert len(shown(client, "history")) == 2
    [past] = shown(client, "balances", player_id="u", as_of=NOON)
    assert (past["real"], past["bonus"]) == ("-7.5", "-2.5")
    [past] = client.get("/api/v1/balances?player_id=u&at_position=1").json()["items"]
    assert (past["real"], past["bonus"], past["counts"]["bets"]) == ("-7.5", "-2.5", 1)


def test_bets_and_wins_are_taken_back_both_parts_of_them(client: httpx.Client) -> None:
    send(
        client,
        casino("b", "bet", 10, 4),
        casino("w", "win", 3, timestamp="2025-01-15T12:00:01Z"),
        casino("rb", "RollbackBet", 10, 4, timestamp="2025-01-15T12:00:02Z"),
        casino("rw", "rollbackwin", 3, timestamp="2025-01-15T12:00:03Z"),
    )
    [balance] = shown(client, "balances", player_id="u")
    assert (balance["real"], balance["bonus"]) == ("0", "0")
    taken_back = {
        name: balance["rolled_back"][name] for name in ("bet_real", "bet_bonus", "win_real")
    }
    assert taken_back == {"bet_real": "6", "bet_bonus": "4", "win_real": "3"}
    assert (balance["rolled_back"]["bets"], balance["rolled_back"]["wins"]) == (1, 1)
    [played] = shown(client, "rounds", round_id="r")
    assert played["status"] == "rolled_back"
    found = shown(client, "rollbacks", player_id="u")
    assert {
        (each["unique_id"], each["amount"], each.get("bonus_amount"), each["is_win"])
        for each in found
    } == {
        ("rb", "10", "4", False),
        ("rw", "3", None, True),
    }
    header, *rows = client.get(
        "/api/v1/rollbacks", headers={"accept": "text/csv"}
    ).text.splitlines()
    at = header.split(",").index("bonus_amount")
    assert [row.split(",")[at] for row in rows] == ["", "4"]
    # The status of their own pages says the same.
    send(
        client,
        casino("b2", "Bet", 1, status="Approved"),
        casino("rb2", "Bet", 1, status="Rollback"),
    )
    assert shown(client, "balances", player_id="u")[0]["real"] == "0"
    # However that is spelled.
    spelled = json.dumps([casino("b3", "Bet", 1), casino("rb3", "Bet", 1, status="Rollback")])
    escaped = spelled.replace("Rollback", "Roll\\u0062ack")
    assert taken(client.post(BULK, content=escaped)) == (2, 0, 0, 0, 0)
    assert shown(client, "balances", player_id="u")[0]["real"] == "0"


def test_history_gives_back_what_was_sent_digit_for_digit(client: httpx.Client) -> None:
    data = (
        b'{"unique_id": "x", "user_id": 52530,\n "timestamp":"2015-03-02T8:27:58.721607Z", "type":"Bet",'
        b'"amount":1.50e1, "bonus_wager_amount": 0.0, "currency":"EUR","game_id":10911,"round_id":"\\u0072",'
        b'"player_id": "not this one", "meta":{"k":[1.0, null]}, "is_win": true}'
    )
    sent = b'[{"event":"REALTIME_CASINO","more":1,"data":' + data + b"}]"
    assert taken(client.post(BULK, content=sent)) == (1, 0, 0, 0, 0)
    assert b'"data":' + data in client.get("/api/v1/history").content
    [entry] = shown(client, "history", event="realtime-casino", player_id="52530")
    assert (entry["type"], entry["dialect"], entry["stream"]) == (
        "BetPlaced",
        "fasttrack",
        "player:52530",
    )
    [played] = shown(client, "rounds", player_id="52530", game_id="10911", round_id="r")
    assert (played["bets"][0]["amount"], played["first_at"]) == (
        "15",
        "2015-03-02T08:27:58.721607Z",
    )


def test_an_id_is_of_one_space_whichever_way_it_comes(client: httpx.Client) -> None:
    send(client, casino("a", "bet", 1), payment("p", "credit", 5))
    again = send(client, casino("a", "bet", 1.0), payment("p", "credit", 5), casino("p", "win", 1))
    assert taken(again) == (0, 2, 1, 0, 0)
    own = client.post(EVENTS, content=body(bet("a"), deposit("p"), deposit("d")))
    assert counts(own) == (1, 0, 2)
    assert taken(send(client, payment("d", "credit", 1))) == (0, 0, 1, 0, 0)
    # A login is called the same in both dialects, and is not the same.
    both = payload("login", unique_id="l", player_id="own", user_id="theirs")
    assert counts(client.post(EVENTS, content=body(both))) == (1, 0, 0)
    assert taken(send(client, both)) == (0, 0, 1, 0, 0)
    found = client.get("/api/v1/conflicts").json()["items"]
    assert [(each["event"], each["recorded"]["event"]) for each in found] == [
        ("realtime-casino", "realtime-payment"),
        ("gameround", "realtime-casino"),
        ("deposit", "realtime-payment"),
        ("realtime-payment", "deposit"),
        ("login", "login"),
    ]


def test_only_approved_payments_count_and_others_are_ignored(client: httpx.Client) -> None:
    answer = send(
        client,
        payment("p", "credit", 5, status="Requested"),
        payment("p", "credit", 5, status="APPROVED"),
        payment("q", "credit", 7, status="Rejected"),
        payment("q", "nonsense", -1, status="cancelled"),
        **RECEIPT,
    )
    assert answer.status_code == 200
    assert [(each["unique_id"], each["outcome"]) for each in answer.json()["items"]] == [
        ("p", "ignored"),
        ("p", "stored"),
        ("q", "ignored"),
        ("q", "ignored"),
    ]
    assert (answer.json()["ignored"], answer.headers["events-ignored"]) == (3, "3")
    assert len(shown(client, "transactions")) == 1
    assert shown(client, "refused") == []


INVALID: list[tuple[Payload, list[tuple[str, str]]]] = [
    (casino("i", "spin", 1), [("/data/type", "not_allowed")]),
    (casino("i", "bet", "a lot"), [("/data/amount", "wrong_type")]),
    (casino("i", "bet", -1), [("/data/amount", "negative")]),
    (casino("i", "bet", 1, 1.01), [("/data/bonus_wager_amount", "too_much")]),
    (casino("i", "bet", 1, currency="EURO"), [("/data/currency", "unknown_currency")]),
    (casino("i", "bet", 1, user_id=""), [("/data/user_id", "empty")]),
    (casino("i", "bet", 1, user_id=1.5), [("/data/user_id", "wrong_type")]),
    (casino("i", "bet", 1, game_id=None), [("/data/game_id", "wrong_type")]),
    (casino("i", "bet", 1, timestamp="yesterday"), [("/data/timestamp", "not_a_timestamp")]),
    (
        casino("i", "bet", 1, timestamp="9015-01-15T12:00:00Z"),
        [("/data/timestamp", "in_the_future")],
    ),
    (payment("i", "credit", 1, status=None), [("/data/status", "wrong_type")]),
    (payment("i", "gift", 1), [("/data/type", "not_allowed")]),
    (payment("i", "credit", 1, vendor_name=""), [("/data/vendor_name", "empty")]),
    (payload("user", unique_id="i", is_blocked="no"), [("/data/is_blocked", "wrong_type")]),
    (payload("consents", unique_id="i", consents=[1]), [("/data/consents", "wrong_type")]),
    (payload("realtime-lottery", unique_id="i"), [("/event", "unknown_event")]),
]


def test_what_is_left_out_has_the_id_that_would_be_recorded(client: httpx.Client) -> None:
    items = [
        payment("p", "gift", 1, unique_id="u"),
        casino("c", "spin", 1, payment_id="other"),
        payload("login", payment_id="other", timestamp="never"),
        payload("unheard-of", payment_id="p2"),
    ]
    answer = send(client, *items, **RECEIPT)
    ids = ["p", "c", None, "p2"]
    assert [each["unique_id"] for each in answer.json()["items"]] == ids
    assert {each["unique_id"] for each in shown(client, "refused")} == {*ids}


def test_who_is_named_by_a_number_is_the_player_of_its_value(client: httpx.Client) -> None:
    for user_id in ("686", "686.0", "6.86e2", '"686"'):
        sent = f'[{{"event":"login","data":{{"user_id":{user_id},"timestamp":"never"}}}}]'
        assert taken(client.post(BULK, content=sent)) == (0, 0, 0, 1, 0)
    found = shown(client, "refused", player_id="686")
    assert sorted((each["times"], each["data"]["user_id"]) for each in found) == [
        (1, "686"),
        (3, 686),
    ]
    assert shown(client, "refused", player_id="686.0") == []


def without(item: Payload, name: str) -> Payload:
    return {**item, "data": {key: value for key, value in item["data"].items() if key != name}}


MISSING = [
    *(
        (casino("i", "bet", 1), name)
        for name in ("user_id", "game_id", "round_id", "type", "amount")
    ),
    *((casino("i", "bet", 1), name) for name in ("unique_id", "timestamp", "currency")),
    *((payment("i", "credit", 1), name) for name in ("payment_id", "status", "vendor_name")),
    (payload("login"), "user_id"),
]


def test_what_is_invalid_is_left_out_with_its_faults_and_the_rest_counts(
    client: httpx.Client,
) -> None:
    cases = INVALID + [
        (without(item, name), [(f"/data/{name}", "missing")]) for item, name in MISSING
    ]
    items = [casino("good", "bet", 1), *(item for item, _ in cases)]
    for sent, where in ((items, ""), ({"items": items}, "/items")):
        answer = client.post(BULK, content=json.dumps(sent), headers=RECEIPT)
        assert answer.headers["events-invalid"] == str(len(cases))
        told = answer.json()["items"]
        assert told[0]["outcome"] in {"stored", "duplicate"}
        for at, (_, expected) in enumerate(cases, 1):
            assert [(each["pointer"], each["code"]) for each in told[at]["faults"]] == [
                (f"{where}/{at}{pointer}", code) for pointer, code in expected
            ]
    kept = shown(client, "refused", limit=1_000)
    assert len(kept) == len(cases)
    assert {each["dialect"] for each in kept} == {"fasttrack"}
    assert len(shown(client, "history")) == 1


def test_who_prefers_it_has_a_batch_refused_as_a_whole(client: httpx.Client) -> None:
    items = [casino("a", "bet", 1), casino("b", "spin", 1)]
    refused = send(client, *items, prefer="handling=strict")
    problem = assert_problem(refused, "invalid-items")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/1/data/type"]
    assert shown(client, "history") == []
    answer = send(client, *items, prefer="handling=lenient")
    assert answer.headers["preference-applied"] == "handling=lenient"
    assert "preference-applied" not in send(client, *items).headers


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"[", "malformed-body"),
        (b"7", "invalid-items"),
        (b'{"items": {}}', "invalid-items"),
        (b"[" + b",".join([b"{}"] * 10_001) + b"]", "too-many-items"),
    ],
)
def test_what_is_no_batch_is_refused(client: httpx.Client, sent: bytes, problem: str) -> None:
    assert_problem(client.post(BULK, content=sent), problem)
    assert taken(client.post(BULK, content=b" [] ")) == (0, 0, 0, 0, 0)


def test_a_profile_consents_and_blocks_change_the_player(client: httpx.Client) -> None:
    def player() -> Any:
        position = client.get("/api/v1/status").json()["log_position"]
        return client.get(f"/api/v1/players/u?at_least={position}").json()

    send(
        client,
        payload(
            "USER_CREATE_V2",
            username="PirateTony34",
            registration_date="2015-03-02T8:27:58.721607Z",
            country="MT",
            currency="EUR",
            sex="Male",
            affiliate_reference="AFF_1",
            roles=["VIP"],
            is_blocked=False,
            email="tony@example.com",
        ),
    )
    found = player()
    names = ("username", "country", "currency", "gender", "affiliate", "tags", "is_blocked")
    assert [found[name] for name in names] == [
        *("PirateTony34", "MT", "EUR", "M", "AFF_1", ["VIP"], False)
    ]
    assert found["registration_date"] == "2015-03-02T08:27:58.721607Z"
    consents = [{"type": "email", "opted_in": True}, {"type": "sms", "opted_in": False}]
    blocks = [
        {"type": "Excluded", "active": True, "note": "asked"},
        {"type": "Blocked", "active": False},
    ]
    later = {"timestamp": "2025-01-15T12:30:00Z"}
    send(client, payload("consents", consents=consents, **later))
    send(client, payload("user-blocks", blocks=blocks, **later))
    assert (player()["consent_email"], player()["is_blocked"]) == (True, True)
    later = {"timestamp": "2025-01-15T13:00:00Z"}
    send(
        client,
        payload("consents", consents={"email": False}, **later),
        payload("blocks", blocks=[{"type": "Excluded", "active": False}], **later),
        payload("user-update", country="SE", **later),
    )
    assert (player()["consent_email"], player()["is_blocked"]) == (False, False)
    assert (player()["country"], player()["username"]) == ("SE", "PirateTony34")
    # That something changed, and not what, is told by their shortest payloads.
    send(client, payload("consents", timestamp="2025-01-15T14:00:00Z"))
    assert player()["consent_email"] is False
    types = [
        (entry["event"], entry["type"]) for entry in shown(client, "history", event="consents")
    ]
    assert types == [("consents", "ConsentsUpdated")] * 3


def test_payloads_about_a_player_need_no_id_of_their_own(client: httpx.Client) -> None:
    first = send(client, payload("login"), payload("consents"), payload("user", country="MT"))
    assert taken(first) == (3, 0, 0, 0, 0)
    assert taken(send(client, payload("login"), payload("LOGIN_V2"))) == (0, 2, 0, 0, 0)
    later = payload("login", timestamp="2025-01-15T12:00:01Z")
    assert taken(send(client, later, payload("login", user_id="other"))) == (2, 0, 0, 0, 0)
    assert taken(send(client, payload("login", unique_id="given"))) == (1, 0, 0, 0, 0)
    assert counts(client.post(EVENTS, content=body(login("given", player_id="u")))) == (0, 0, 1)
    players = shown(client, "players")
    assert {each["player_id"]: each["logins"] for each in players} == {"u": 3, "other": 1}


def test_events_of_two_dialects_are_one_history(client: httpx.Client) -> None:
    for number in range(6):
        send(client, payload("login", timestamp=f"2025-01-15T12:00:0{number}Z"))
        client.post(EVENTS, content=body(login(f"l{number}", player_id="u"), deposit(f"d{number}")))
    walked: list[int] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/history?event=login&limit=5{cursor}").json()
        walked += [entry["position"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == [position for position in range(1, 19) if position % 3 != 0]
    lines = client.get("/api/v1/history?event=login", headers={"accept": "application/x-ndjson"})
    assert [json.loads(line)["position"] for line in lines.text.splitlines()] == walked


def report(client: httpx.Client, name: str, **asked: Any) -> Any:
    position = client.get("/api/v1/status").json()["log_position"]
    answer = client.get(f"/api/v1/reports/{name}", params={**asked, "at_least": position})
    assert answer.is_success, answer.text
    return answer.json()


def test_reports_know_what_was_sent(client: httpx.Client) -> None:
    send(
        client,
        payload("user", username="u", is_blocked=False),
        payload("blocks", unique_id="bl", blocks=[{"type": "Excluded", "active": True}]),
        payload("consents", unique_id="co", consents=[{"type": "sms", "opted_in": True}]),
        casino("b", "bet", 10, 2.5),
        casino("w", "win", 0.3, 0.1, timestamp="2025-01-15T12:00:01Z"),
        casino("back", "rollbackbet", 10, 2.5, timestamp="2025-01-15T12:00:02Z"),
        payment("p", "credit", 50, timestamp="2025-01-15T11:00:00Z"),
    )
    told = report(client, "significant", kind="block,consent,win", threshold="0.3")["rows"]
    assert {(row["kind"], row["detail"]) for row in told} == {
        ("block", "Excluded: true"),
        ("consent", "sms: true"),
        ("win", "in game g, 0.1 of it bonus money"),
    }
    late = report(client, "significant", kind="late")["rows"]
    assert {row["unique_id"] for row in late} == {"b", "w", "back", "p"}
    statement = report(client, "statement", player_id="u")
    assert statement["reconciled"]
    members = ("type", "change_real", "change_bonus", "balance_real", "balance_bonus")
    assert [tuple(row[name] for name in members) for row in statement["rows"]] == [
        ("Deposited", "50", "0", "50", "0"),
        ("BetPlaced", "-7.5", "-2.5", "42.5", "-2.5"),
        ("WinPaid", "0.2", "0.1", "42.7", "-2.4"),
        ("BetRolledBack", "7.5", "2.5", "50.2", "0.1"),
    ]
    for name in ("accounts", "revenue", "rtp", "restated", "open-rounds"):
        assert report(client, name)["reconciled"] is not False
