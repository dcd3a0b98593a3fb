"""One family of endpoints per module."""

from api.routes.events import ingest_events
from api.routes.health import live, ready

ROUTES = [ingest_events, live, ready]
