"""What is for operators, health and metrics, on a listener of its own."""

import socket
from collections.abc import Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from api.http.problems import ProblemError

FOR_OPERATORS = "for_operators"
"""The option of a route that is for operators: it tells of the service, not of what a tenant has."""


def operations_apart(for_operators: Sequence[socket.socket]) -> Guard:
    """Return a guard: routes for operators are found on these listeners alone, and no others on them.

    It raises ProblemError `not-found`.
    """
    ports = {_port_of(listener) for listener in for_operators}

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        server = connection.scope["server"]
        came_as_operator = (None if server is None else server[1]) in ports
        is_for_operators = bool(handler.opt.get(FOR_OPERATORS))
        if is_for_operators != came_as_operator:
            whose = "of the API" if came_as_operator else "for operators"
            raise ProblemError("not-found", f"This is served on the address {whose}, not here.")

    return guard


def _port_of(listener: socket.socket) -> int | None:
    """Return the port that a request's server address tells, None of a Unix socket."""
    return None if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])
