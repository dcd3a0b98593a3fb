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
    Page("games", "/console/games"),
    Page("game", "/console/games/game?id=GD8"),
    Page("reports", "/console/reports"),
    Page("revenue", "/console/reports/revenue?from=2025-01-15&to=2025-01-16"),
    Page("rtp", "/console/reports/rtp?from=2025-01-15"),
    Page("accounts", "/console/reports/accounts?from=2025-01-15"),
    Page("statement", "/console/reports/statement?player_id=StQ-1"),
    Page("open-rounds", "/console/reports/open-rounds?older_than=1h"),
    Page("significant", "/console/reports/significant?from=2025-01-15&threshold=50"),
    Page("restated", "/console/reports/restated?from=2025-01-15"),
    Page("system", "/console/system", "operate"),
    Page("system-tenant", "/console/system/tenant?name=acme", "operate"),
    Page("log", "/console/log", "audit"),
    Page("event", "/console/log/event?position=21", "audit"),
    Page("conflicts", "/console/conflicts"),
    Page("conflict", "/console/conflicts/conflict?unique_id=bet-r2"),
    Page("refused", "/console/conflicts/refused"),
)
