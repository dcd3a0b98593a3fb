"""`roundbook schemas`: what is said of the API and of the events in forms that programs read."""

from pathlib import Path
from typing import Any

import click
import msgspec

from api.documentation.event_schemas import event_schemas


@click.command("schemas")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def schemas_command(folder: Path) -> None:
    """Write the OpenAPI document and the JSON Schemas of the domain events into FOLDER.

    The document is FOLDER/openapi.json, as a service of this version has it on /schema/openapi.json. The
    schemas are in FOLDER/events, one for each type of event that the log can hold. Clients can be generated
    from both; no service and no database is needed.
    """
    # Takes half a second, for which other commands would wait.
    from api.asgi import openapi_document  # noqa: PLC0415

    events = folder / "events"
    events.mkdir(parents=True, exist_ok=True)
    _write(folder / "openapi.json", openapi_document())
    for name, schema in event_schemas().items():
        _write(events / name, schema)


def _write(path: Path, content: Any) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
