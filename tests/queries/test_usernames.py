"""Players found by how their usernames begin, whatever the case."""

from typing import Any

import pytest

from tests.queries.casino import Casino, OpenCasino, bet, item

LONG = "".join(chr(0x10000 + (number * number) % 60_000) for number in range(255))
NAMES = {
    "p01": "maria",
    "p02": "MARIANNE",
    "p03": "Mar_ia",
    "p04": "mar%a",
    "p05": "Straße",
    "p06": "STRASSER",
    "p07": "İstanbul",
    "p08": "anna maria",
    "p09": "",
    "p10": None,
    "p11": "Maria",
    "p12": "ÉLODIE",
    "p13": LONG + "A",
    "p14": LONG + "b" * 5_000,
    "p15": "\\mar",
}


@pytest.fixture(scope="module")
def named(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    casino.fill(
        [
            *(
                item("player", player_id=player_id, username=name, country="DE")
                for player_id, name in NAMES.items()
            ),
            bet(player_id="only seen"),
        ]
    )
    return casino


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("mar", "p04 p03 p01 p11 p02"),
        ("MARIA", "p01 p11 p02"),
        ("maria", "p01 p11 p02"),
        ("mariann", "p02"),
        ("aria", ""),
        ("mar_", "p03"),
        ("mar%", "p04"),
        ("%", ""),
        ("\\", "p15"),
        ("strasse", "p05 p06"),
        ("STRAẞE", "p05 p06"),
        ("éLO", "p12"),
        ("i\u0307st", "p07"),
        (LONG, "p13 p14"),
        (LONG + "a", "p13"),
        (LONG + "B" * 5_000, "p14"),
        (LONG + "b" * 5_001, ""),
        ("", "p15 p08 p04 p03 p01 p11 p02 p05 p06 p07 p12 p13 p14"),
    ],
)
def test_usernames_are_found_by_how_they_begin(q: str, expected: str, named: Casino) -> None:
    found = [row["player_id"] for row in named.items("players", q=q)]
    in_order = sorted(found, key=lambda each: ((NAMES[each] or "").casefold()[:255], each))
    assert found == in_order
    assert sorted(found) == sorted(expected.split())
    assert [row["player_id"] for row in named.all("players", 2, q=q)] == found
    lines = named.get("players", q=q, headers={"accept": "text/csv"}).body.splitlines()
    assert [line.split(b",")[0].decode() for line in lines[1:]] == found


def test_a_username_is_one_filter_among_others(named: Casino) -> None:
    assert named.items("players", q="mar", country="SE") == []
    assert len(named.items("players", q="mar", country="DE")) == 5


RARE = {250, 251, 400, 499}
LONG_TEXT = "a" * 300
FILTERS = {
    "country": ("LI", "SE"),
    "currency": ("KWD", "EUR"),
    "affiliate": (LONG_TEXT, LONG_TEXT + "b"),
    "operator": ("op-new", "op-1"),
    "tag": ("chess", "silver"),
    "is_blocked": (True, False),
}
"""Of each filter the value that few have, and that of all others."""


@pytest.fixture(scope="module")
def alike(new_casino: OpenCasino) -> Casino:
    """Many names that begin alike, in another order than the ids."""
    casino = new_casino()
    casino.fill([_alike(number) for number in range(500)])
    return casino


def _alike(number: int) -> dict[str, Any]:
    values = {name: given[number not in RARE] for name, given in FILTERS.items()}
    values["tags"] = [values.pop("tag")]
    return item("player", player_id=f"p{number}", username=f"User {499 - number:03}", **values)


@pytest.mark.parametrize("q", ["user", "user 2", "user 248", "nobody"])
@pytest.mark.parametrize(
    "names", [*((name,) for name in FILTERS), ("country", "tag"), tuple(FILTERS)]
)
def test_a_filter_that_few_fit_finds_them_beside_a_beginning_that_many_names_have(
    q: str, names: tuple[str, ...], alike: Casino
) -> None:
    """Pages of one look at few names, so that both ways of finding them are gone."""
    expected = [
        f"p{number}"
        for number in sorted(RARE, reverse=True)
        if f"user {499 - number:03}".startswith(q)
    ]
    filters = {name: FILTERS[name][0] for name in names}
    for limit in (1, 3, 1_000):
        found = alike.all("players", limit, q=q, **filters)
        assert [row["player_id"] for row in found] == expected


@pytest.mark.parametrize("limit", [1, 150])
def test_a_filter_that_many_fit_finds_all_who_do(limit: int, alike: Casino) -> None:
    found = alike.all("players", limit, q="user", currency="EUR")
    assert [row["player_id"] for row in found] == [
        f"p{number}" for number in reversed(range(500)) if number not in RARE
    ]


def test_who_has_another_name_since_is_found_by_that_alone(casino: Casino) -> None:
    casino.fill([item("player", player_id="p", username="before")])
    casino.fill([item("player", player_id="p", username="After", timestamp="2025-01-15T13:00:00Z")])
    assert casino.items("players", q="before") == []
    assert [row["username"] for row in casino.items("players", q="aft")] == ["After"]
    casino.fill([item("player", player_id="p", username=None, timestamp="2025-01-15T14:00:00Z")])
    assert casino.items("players", q="") == []


def test_a_page_keeps_its_place_when_the_player_before_it_is_renamed(casino: Casino) -> None:
    casino.fill([item("player", player_id=f"p{n}", username=f"name {n}") for n in range(4)])
    page = casino.get("players", q="name", limit=2).json
    casino.fill(
        [item("player", player_id="p1", username="name 9", timestamp="2025-01-16T00:00:00Z")]
    )
    rest = casino.get("players", q="name", cursor=page["next_cursor"]).json["items"]
    assert [row["player_id"] for row in rest] == ["p2", "p3", "p1"]


def test_a_cursor_of_ids_can_not_be_carried_to_usernames(named: Casino) -> None:
    cursor = named.get("players", limit=1).json["next_cursor"]
    answer = named.get("players", q="", cursor=cursor)
    assert answer.json["errors"][0]["code"] == "foreign_cursor"
