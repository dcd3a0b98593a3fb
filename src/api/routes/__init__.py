"""One family of endpoints per module."""

from typing import Any

from api.routes.accesses import list_accesses
from api.routes.activity import list_activity
from api.routes.balances import show_balance_history, show_balances
from api.routes.conflicts import list_conflicts
from api.routes.events import check_events, ingest_events
from api.routes.evidence import list_log_keys, show_checkpoint
from api.routes.evidence_bundle import take_bundle
from api.routes.evidence_heads import show_heads
from api.routes.evidence_proofs import show_consistency, show_inclusion
from api.routes.evidence_tiles import show_tile
from api.routes.fasttrack import ingest_fasttrack
from api.routes.games import list_games, show_facets, show_game
from api.routes.health import check_live, check_ready
from api.routes.history import show_history
from api.routes.key import show_key
from api.routes.metrics import read_metrics
from api.routes.players import list_players, show_player
from api.routes.refused import list_refused
from api.routes.reports import REPORTS
from api.routes.rollbacks import list_rollbacks
from api.routes.rounds import list_rounds
from api.routes.status import show_status
from api.routes.transactions import list_transactions

ROUTES: list[Any] = [
    ingest_events,
    check_events,
    ingest_fasttrack,
    list_players,
    show_player,
    show_balances,
    show_balance_history,
    list_rounds,
    list_rollbacks,
    list_transactions,
    list_games,
    show_game,
    show_facets,
    list_activity,
    *REPORTS,
    list_conflicts,
    list_refused,
    show_status,
    show_key,
    show_history,
    show_checkpoint,
    list_log_keys,
    show_tile,
    show_inclusion,
    show_consistency,
    show_heads,
    take_bundle,
    list_accesses,
    read_metrics,
    check_live,
    check_ready,
]
