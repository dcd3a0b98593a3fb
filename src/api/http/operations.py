"""What is for operators, health and metrics, on a listener of its own."""

import socket
from collections.abc import Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard, Scope

from api.http.problems import ProblemError

FOR_OPERATORS = "for_operators"
"""The option of a route that is for operators: it tells of the service, not of what a tenant has."""


class Listening:
    """Where operators are served: on listeners of their own, or beside everybody where there are none."""

    def __init__(self, for_operators: Sequence[socket.socket]) -> None:
        """Know the listeners for operators."""
        self._ports = {_port_of(listener) for listener in for_operators}

    def came_as_operator(self, scope: Scope) -> bool:
        """Return whether a request came to a listener for operators."""
        server = scope["server"]
        return (None if server is None else server[1]) in self._ports

    def serves_operators(self, scope: Scope) -> bool:
        """Return whether what is for operators is served where a request came to."""
        return not self._ports or self.came_as_operator(scope)


def operations_apart(for_operators: Sequence[socket.socket]) -> Guard:
    """Return a guard: routes for operators are found on these listeners alone, and no others on them.

    It raises ProblemError `not-found`.
    """
    listening = Listening(for_operators)

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        came_as_operator = listening.came_as_operator(connection.scope)
        is_for_operators = bool(handler.opt.get(FOR_OPERATORS))
        if is_for_operators != came_as_operator:
            whose = "of the API" if came_as_operator else "for operators"
            raise ProblemError("not-found", f"This is served on the address {whose}, not here.")

    return guard


def _port_of(listener: socket.socket) -> int | None:
    """Return the port that a request's server address tells, None of a Unix socket."""
    return None if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])
