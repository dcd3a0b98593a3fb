"""The register of conflicts."""

from typing import Any

from tests.queries.casino import Casino, deposit, item


def test_conflicts_by_the_position_of_what_stands(casino: Casino) -> None:
    casino.send([deposit(unique_id=f"d{number}") for number in range(5)])
    casino.send([deposit(unique_id=f"d{number}", amount=2) for number in (4, 1, 2)])
    casino.send([item("login", unique_id="d1", player_id="q")])

    def positions(**filters: int) -> list[int]:
        return [row["position"] for row in casino.items("conflicts", **filters)]

    assert positions() == [5, 2, 3, 2]
    assert positions(from_position=3) == [5, 3]
    assert positions(to_position=3) == [2, 3, 2]
    assert positions(from_position=2, to_position=2) == [2, 2]
    assert positions(from_position=4, to_position=3) == []


def test_conflicts_by_when_they_were_refused(casino: Casino) -> None:
    casino.send([deposit(unique_id=f"d{number}") for number in range(3)])
    for number in range(3):
        casino.send([deposit(unique_id=f"d{number}", amount=2)])
    rows = casino.items("conflicts")
    at = [row["received_at"] for row in rows]
    assert casino.items("conflicts", from_=at[1]) == rows[1:]
    assert casino.items("conflicts", to=at[1]) == rows[:1]
    assert casino.items("conflicts", from_=at[1], to=at[2]) == rows[1:2]
    assert casino.items("conflicts", from_=at[0][:10], to="9999-12-31") == rows
    assert casino.all("conflicts", 1, from_=at[1]) == rows[1:]


def test_a_conflict_shows_both_contents_as_they_were_sent(casino: Casino) -> None:
    one = b'{"unique_id":"u", "timestamp":"2025-01-15T12:00:00Z",\n "player_id":"p", "more":1.0}'
    other = one.replace(b"1.0", b"[1.00,\r\n\t1e0]")
    for data in (one, other):
        casino.send_body(b'{"items": [{"event": "login", "data": ' + data + b"}]}")
    answer = casino.get("conflicts")
    assert b'"data":' + other in answer.body
    assert b'"recorded":{"event":"login","data":' + one + b"}" in answer.body
    (found,) = answer.json["items"]
    assert found["received_at"].endswith("Z")
    assert (found["event"], found["position"], found["unique_id"]) == ("login", 1, "u")


def test_a_page_of_large_conflicts_is_bounded_in_bytes(casino: Casino) -> None:
    def large(number: int, filler: str) -> dict[str, Any]:
        return item("login", unique_id=f"u{number}", player_id="p", more=filler * 1_500_000)

    for number in range(6):
        casino.send([large(number, "x")])
        casino.send([large(number, "y")])
    pages = list(casino.walk("conflicts", 100))
    assert [row["unique_id"] for page in pages for row in page] == [f"u{n}" for n in range(6)]
    assert [len(page) for page in pages] == [2, 2, 2]
