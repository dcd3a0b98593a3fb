"""Every page of the console, with an address at which it shows something of the sample day.

What holds of all of them is tested over this list, and `make screenshots` shoots it. A page that is not in it
fails a test.
"""

from typing import NamedTuple

from app.tenants import Scope


class Page(NamedTuple):
    """A page: what its pictures are called, its address, and the scope that it needs."""

    name: str
    path: str
    scope: Scope = "read"


PAGES = (
    Page("overview", "/console"),
    Page("players", "/console/players"),
    Page("player", "/console/players/player?id=StQ-1"),
    Page("rounds", "/console/rounds"),
    Page("round", "/console/rounds/round?player_id=StQ-1&game_id=GD8&round_id=r1"),
    Page("log", "/console/log", "audit"),
    Page("event", "/console/log/event?position=21", "audit"),
    Page("conflicts", "/console/conflicts"),
    Page("conflict", "/console/conflicts/conflict?unique_id=bet-r2"),
    Page("refused", "/console/conflicts/refused"),
)
