"""One family of endpoints per module."""

from api.routes.events import ingest
from api.routes.health import live, ready

ROUTES = [ingest, live, ready]
