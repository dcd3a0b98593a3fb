"""Style, scripts and what is vendored, below a path that names their content: kept by browsers for ever."""

import hashlib
from importlib.resources import files
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

_TYPES = {".css": "text/css", ".js": "text/javascript"}
_FOLDERS = (files("api.console") / "static", files("api.console") / "static" / "vendor")


def _read() -> dict[str, bytes]:
    return {
        file.name: file.read_bytes()
        for folder in _FOLDERS
        for file in folder.iterdir()
        if file.name.endswith((*_TYPES,))
    }


_FILES = _read()
_VERSION = hashlib.sha256(
    b"".join(name.encode() + content for name, content in sorted(_FILES.items()))
).hexdigest()[:16]

STATIC = f"/console/static/{_VERSION}"
"""The path of the folder."""


@get("/console/static/{version:str}/{name:str}", sync_to_thread=False)
def static_file(
    version: Annotated[str, PathParameter()], name: Annotated[str, PathParameter()]
) -> Response[bytes]:
    """Return a file. What another version of the service had is not there."""
    content = _FILES.get(name)
    if content is None or version != _VERSION:
        raise NotFoundException
    (media_type,) = (each for end, each in _TYPES.items() if name.endswith(end))
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=media_type, headers=headers)
