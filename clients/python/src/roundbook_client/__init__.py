"""Sends events to Roundbook and loses none; queries it, and follows its log."""

from roundbook_client.async_client import AsyncClient
from roundbook_client.client import Client
from roundbook_client.counters import Counters
from roundbook_client.dead_letters import DeadLetter
from roundbook_client.errors import (
    AnsweredError,
    ClientError,
    Closed,
    InvalidItems,
    NotAcknowledged,
    OtherLog,
    OutOfOrderError,
    Problem,
    SpoolError,
    SpoolFull,
    SpoolInUse,
)
from roundbook_client.items import (
    Amount,
    Deposit,
    Game,
    GameRound,
    Item,
    Login,
    Player,
    Rollback,
    RoundEnd,
    Sendable,
    Timestamp,
    Withdraw,
)
from roundbook_client.options import Options
from roundbook_client.queries import Pages
from roundbook_client.rules import Fault
from roundbook_client.shapes import Entry

__all__ = [
    "Amount",
    "AnsweredError",
    "AsyncClient",
    "Client",
    "ClientError",
    "Closed",
    "Counters",
    "DeadLetter",
    "Deposit",
    "Entry",
    "Fault",
    "Game",
    "GameRound",
    "InvalidItems",
    "Item",
    "Login",
    "NotAcknowledged",
    "Options",
    "OtherLog",
    "OutOfOrderError",
    "Pages",
    "Player",
    "Problem",
    "Rollback",
    "RoundEnd",
    "Sendable",
    "SpoolError",
    "SpoolFull",
    "SpoolInUse",
    "Timestamp",
    "Withdraw",
]
