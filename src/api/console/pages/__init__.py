"""The pages: a module for each place of the navigation, in its order, and the login."""

from api.console.pages import (
    conflicts,
    games,
    log,
    login,
    overview,
    players,
    reports,
    rounds,
    system,
)
from api.console.place import Place

_MODULES = (overview, players, rounds, games, reports, log, conflicts, system)

NAVIGATION: tuple[Place, ...] = tuple(module.PLACE for module in _MODULES)
ROUTES = [*login.ROUTES, *(route for module in _MODULES for route in module.ROUTES)]
