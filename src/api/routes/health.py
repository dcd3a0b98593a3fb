"""Whether the service lives, and whether it is ready to serve."""

from functools import partial
from typing import Any, Literal

import anyio
import anyio.to_thread
from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.response import Response
from msgspec import UNSET, Struct, UnsetType

from api.documentation.problems import OPERATOR_PROBLEMS
from api.http.auth import READ_ONLY
from api.http.draining import Draining
from api.http.operations import FOR_OPERATORS
from api.querying.staleness import Staleness
from api.schema import SCHEMA
from app.settings import Settings
from postgres.connections import Pool
from postgres.doctor.access import lacking_rights
from postgres.errors import UNAVAILABLE
from postgres.migrate import MigrationError, SchemaNewerError, check_current

_CONNECTION_WAIT_S = 2.0
_ANSWER_WAIT_S = 5.0


class Live(Struct, frozen=True):
    """The process lives."""

    status: Literal["live"]


class Ready(Struct, frozen=True):
    """The service is ready. `behind` tells what has waited for longer than a process may be silent."""

    status: Literal["ready"]
    behind: dict[str, float] | UnsetType = UNSET


class Waiting(Struct, frozen=True):
    """The service is not ready, and why."""

    status: Literal["waiting"]
    reason: str


@get(
    "/health/live",
    tags=["operation"],
    opt={FOR_OPERATORS: True},
    summary="Ask whether the process lives",
    responses=OPERATOR_PROBLEMS,
)
async def check_live() -> Live:
    """Answer as long as the process can."""
    return Live("live")


@get(
    "/health/ready",
    tags=["operation"],
    opt={FOR_OPERATORS: True},
    summary="Ask whether the service is ready",
    responses={
        **OPERATOR_PROBLEMS,
        503: ResponseSpec(
            Waiting,
            generate_examples=False,
            description="The service is not ready, for the reason that is told.",
        ),
    },
)
async def check_ready(
    pool: NamedDependency[Pool],
    staleness: NamedDependency[Staleness],
    settings: NamedDependency[Settings],
    draining: NamedDependency[Draining],
    state: State,
) -> Response[Ready]:
    """Answer 200 when the store can be reached and this version and the role that serves can work with it.

    Else it is 503, with the reason.

    Where events wait to be shown in queries (`projection`) or to be sealed (`evidence`), for longer than a
    process may be silent, `behind` tells for how many seconds: the service takes requests all the same.
    """
    if draining.has_begun:
        return _waiting("the service ends: send requests elsewhere")
    reason: str | None = "the store does not answer"
    with anyio.move_on_after(_ANSWER_WAIT_S):
        reason = await anyio.to_thread.run_sync(
            partial(_reason_to_wait, pool, writes=not state[READ_ONLY]), abandon_on_cancel=True
        )
    if reason is None:
        behind = (await staleness.look()).beyond(settings.silent_process_s)
        return Response(Ready("ready", behind or UNSET))
    return _waiting(reason)


def _waiting(reason: str) -> Response[Any]:
    return Response(Waiting("waiting", reason), status_code=503, headers={"Retry-After": "1"})


def _reason_to_wait(pool: Pool, *, writes: bool) -> str | None:
    try:
        with pool.connection(timeout=_CONNECTION_WAIT_S) as connection:
            check_current(SCHEMA, connection)
            lacking = lacking_rights(SCHEMA, connection) if writes else ()
            return f"the role that serves may not {'; '.join(lacking)}" if lacking else None
    except SchemaNewerError as error:
        return f"schema-newer: {error}"
    except MigrationError:
        return "schema-older: the schema is not up to date, run `roundbook migrate`"
    except UNAVAILABLE:
        return "the store is out of reach"
