"""A tenant whose games say what they return, and were played in until now."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.http.service import Service
from tests.http.wire import EVENTS, bet, body, counts, item

TENANT = "catalogue"
PROVIDERS = ("Sandworks", "ReelCo", 'R&D "<b>" & co')
THEMES = 12
GAMES = 60

LUCKY, FAIR, BARE, CERTAIN = "lucky /1", "fair", "bare", "certain"
TODAY = datetime.now(UTC).replace(microsecond=0)
DAYS_AGO = (40, 2, 0)


def new_catalogue(service: Service) -> str:
    """Make the tenant; gives a key of it that admits all."""
    service.new_tenant(TENANT)
    key = service.new_key(TENANT, "ingest", "read", "audit")
    with service.client(key) as client:
        counts(client.post(EVENTS, content=body(*_games())))
        answer = client.post(EVENTS, content=body(*_rounds()))
        counts(answer)
        head = answer.headers["log-position"]
        client.get("/api/v1/games", params={"at_least": head}).raise_for_status()
    return key


def _games() -> list[dict[str, Any]]:
    many = [
        item(
            "game",
            f"g-{number}",
            game_id=f"many-{number:02}",
            name=f"Many {number:02}",
            provider=PROVIDERS[number % len(PROVIDERS)],
            categories=["slots"] if number % 2 else ["slots", "live"],
            themes=[f"theme {number % THEMES:02}"],
            has_freespins="yes" if number % 5 == 0 else "no",
        )
        for number in range(GAMES)
    ]
    expected = {"theoretical_rtp": 0.95, "volatility": 2}
    return [
        *many,
        item("game", "lucky-1", game_id=LUCKY, name="Lucky", device="desktop", **expected),
        item("game", "fair-1", game_id=FAIR, name="Fair", theoretical_rtp=0.9),
        item("game", "fair-2", game_id=FAIR, timestamp=_at(1), **expected),
        item("game", "bare-1", game_id=BARE, theoretical_rtp=0.9),
        item("game", "certain-1", game_id=CERTAIN, theoretical_rtp=1, volatility=0),
    ]


def _at(days_ago: int) -> str:
    return (TODAY - timedelta(days_ago)).isoformat().replace("+00:00", "Z")


def _rounds() -> list[dict[str, Any]]:
    """In each game 40 bets of 1 on each of the days, one taken back, and 10 wins: of 8 in one, else of 4."""
    sent = []
    for game_id in (LUCKY, FAIR, BARE, CERTAIN):
        for days in DAYS_AGO:
            for number in range(40):
                name = f"{game_id}-{days}-{number}"
                of = {"game_id": game_id, "round_id": name, "timestamp": _at(days)}
                sent.append(bet(f"b-{name}", **of))
                if number % 4 == 0:
                    amount = 8 if game_id == LUCKY else 4
                    sent.append(bet(f"w-{name}", amount=amount, is_win=True, **of))
        of = {"game_id": game_id, "timestamp": _at(2)}
        sent.append(bet(f"sek-{game_id}", amount=10, currency="SEK", round_id="sek", **of))
        stake = {
            "player_id": "p",
            "amount": 1,
            "currency": "EUR",
            "is_win": False,
            "is_bonus": False,
        }
        taken = {"round_id": f"{game_id}-2-1", "reference": f"b-{game_id}-2-1"}
        sent.append(item("rollback", f"back-{game_id}", **of, **stake, **taken))
    return sent
