"""Puts the rules for items into what is built: copies of the server's own modules, under a private name.

In a checkout `roundbook_client.rules` imports `app.wire` and `domain`. What is built has copies of just the
modules that this needs, and imports those; so neither can differ from the server of the same commit.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "roundbook_client"
BRIDGE = "rules.py"
COPIES = "_server"
"""The module that imports the server's, and the package that the copies are in."""

_IMPORT = re.compile(r"^from ((?:app|domain)[\w.]*) import ([^()\n]*)", re.MULTILINE)
_COPIED = ("app.wire", "domain")


class ServerRules(BuildHookInterface[BuilderConfig]):
    """Copies what is needed where the server's source is; in a source distribution it was done before."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the copies to a wheel or a source distribution. An editable install needs none.

        Raises FileNotFoundError where there is nothing to copy.
        """
        server = Path(self.root, "..", "..", "src").resolve()
        if version == "editable":
            return
        if not (server / "app" / "wire").is_dir():
            if not (Path(self.root) / "src" / PACKAGE / COPIES).is_dir():
                raise FileNotFoundError(
                    f"the rules for items are missing: neither the server's source is in {server}, nor are"
                    f" copies of it in {COPIES}; build in a checkout, or of a source distribution"
                )
            return
        self._folder = TemporaryDirectory()
        below = "src/" if self.target_name == "sdist" else ""
        written = rewritten(Path(self.root) / "src" / PACKAGE, server)
        for name, text in written.items():
            path = Path(self._folder.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            build_data["force_include"][str(path)] = f"{below}{PACKAGE}/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was copied from."""
        del version, build_data, artifact_path
        if hasattr(self, "_folder"):
            self._folder.cleanup()


def rewritten(package: Path, server: Path) -> dict[str, str]:
    """Return the bridge and the modules that it needs, by their paths below the package, with new imports.

    Raises ValueError if one of them needs more of the server than its rules.
    """
    bridge = (package / BRIDGE).read_text("utf-8")
    found: dict[str, str] = {}
    waiting = list(_imported(bridge, server))
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path in found:
            continue
        if not module.startswith(_COPIED) and module != "app":
            raise ValueError(f"{module} is no part of the rules for items")
        found[path] = (server / path).read_text("utf-8")
        waiting += _imported(found[path], server)
        waiting += [module.rpartition(".")[0]] if "." in module else []
    copies = {f"{COPIES}/{path}": _moved(text) for path, text in found.items()}
    note = '"""Copies of the server\'s modules, made when this was built."""\n'
    return {BRIDGE: _moved(bridge), f"{COPIES}/__init__.py": note, **copies}


def _imported(text: str, server: Path) -> Iterator[str]:
    for module, names in _IMPORT.findall(text):
        yield module
        for name in names.split(","):
            below = f"{module}.{name.strip()}"
            if name.strip() and (server / (below.replace(".", "/") + ".py")).is_file():
                yield below


def _path(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if module in {"app", *_COPIED} else f"{path}.py"


def _moved(text: str) -> str:
    return _IMPORT.sub(rf"from {PACKAGE}.{COPIES}.\1 import \2", text)
