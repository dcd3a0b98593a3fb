"""Overview: how things are now."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from api.console.place import Place
from api.console.visits import Visit

PLACE = Place("Overview", "/console", "read")


@get("/console")
async def show_overview(visit: NamedDependency[Visit]) -> Template:
    """Show the head of the log and how far the read models are."""
    status = await visit.ask("status")
    return visit.page("overview/page.html", status=status.json)


ROUTES = [show_overview]
