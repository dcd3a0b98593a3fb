"""The data folder of an older PostgreSQL, upgraded: `make test-upgrade OLD=/usr/lib/postgresql/15/bin`.

Beside the suite, as it needs the programs of that version.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from postgres.connections import connect
from postgres.embedded import EmbeddedServer, postmaster
from postgres.embedded.binaries import Binaries, major_of
from tests.http.service import Service, eventually, in_folder, roundbook, serving
from tests.http.wire import EVENTS, body, counts, login


def record(service: Service, name: str, expected: tuple[int, int, int]) -> None:
    """Send a login, and wait until it is shown."""
    with service.client(service.new_key("acme", "ingest", "read")) as client:
        assert counts(client.post(EVENTS, content=body(login("a"), login(name)))) == expected
        assert client.get("/api/v1/players", params={"at_least": 2}).is_success


def main() -> None:
    """Record by this version on the older PostgreSQL, upgrade, and go on."""
    old = Path(sys.argv[1])
    major = major_of(old / "postgres")
    assert major is not None, f"no PostgreSQL in {old}"
    with TemporaryDirectory(prefix="rb-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data_dir, settings = folder / "data", in_folder(folder / "data")
        with (
            patch.object(postmaster, "find_binaries", lambda _: Binaries(old, major)),
            EmbeddedServer(data_dir) as server,
            serving(folder, settings=settings) as service,
        ):
            service.new_tenant("acme")
            record(service, "b", (2, 0, 0))
            with connect(server.service_url) as connection:
                assert connection.info.server_version // 10_000 == major
        refused = roundbook("serve", "--port", "0", settings=settings, check=False)
        assert refused.returncode == 1
        assert "bring it there by `roundbook upgrade`" in refused.stderr, refused.stderr
        said = roundbook("upgrade", "--old-binaries", str(old), settings=settings).stdout
        assert said.startswith(f"upgraded from PostgreSQL {major} to "), said
        with serving(folder, settings=settings) as service:
            record(service, "c", (1, 1, 0))
            verify = ("verify", "acme")
            eventually(lambda: roundbook(*verify, settings=settings, check=False).returncode == 0)
        removed = roundbook("upgrade", "--remove-old", settings=settings).stdout
        assert removed == f"removed {data_dir}/postgres-{major}\n"
        sys.stdout.write(f"{said}and all that was recorded is there, and proven\n")


if __name__ == "__main__":
    main()
