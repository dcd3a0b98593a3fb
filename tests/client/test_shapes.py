"""What the client reads of answers is what the server writes, member by member."""

import pytest
from msgspec import Struct
from msgspec.structs import fields
from roundbook_client import shapes

from api.routes.status import Status
from app.conflicts import ConflictView, RecordedItem
from app.log.history import HistoryEntry
from projections.models.activity import ActivityView
from projections.models.balance_history import BalanceHistory, BalancePoint
from projections.models.balances import BalanceCounts, BalanceView
from projections.models.games import Facets, FacetValue, GameProfile, GameView
from projections.models.played import PlayedView
from projections.models.players import PlayerProfile, PlayerView
from projections.models.profiles import SetBy
from projections.models.rollbacks import RollbackView
from projections.models.rounds import RoundSumsView, RoundView
from projections.models.transactions import TransactionView
from projections.rolled_back import RolledBackView
from projections.status import ProjectionStatus

_OF_FOLLOWERS = {"text", "log_id"}
_LEFT_OUT = {"Status": {"rebuild", "evidence"}, "ProjectionStatus": {"failure"}}


@pytest.mark.parametrize(
    "server",
    [
        ActivityView,
        BalanceCounts,
        BalanceHistory,
        BalancePoint,
        BalanceView,
        ConflictView,
        FacetValue,
        Facets,
        GameProfile,
        GameView,
        PlayedView,
        PlayerProfile,
        PlayerView,
        ProjectionStatus,
        RecordedItem,
        RollbackView,
        RolledBackView,
        RoundSumsView,
        RoundView,
        SetBy,
        Status,
        TransactionView,
    ],
    ids=lambda each: each.__name__,
)
def test_each_has_the_members_of_the_servers(server: type[Struct]) -> None:
    client = getattr(shapes, server.__name__)
    known = {field.name for field in fields(client)}
    written = {field.encode_name for field in fields(server)}
    assert written - known == _LEFT_OUT.get(server.__name__, set())
    assert known <= written


def test_an_entry_has_the_members_of_the_servers() -> None:
    known = {field.name for field in fields(shapes.Entry)}
    assert known - _OF_FOLLOWERS == {field.encode_name for field in fields(HistoryEntry)}
