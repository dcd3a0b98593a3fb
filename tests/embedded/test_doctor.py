"""`roundbook doctor` of the embedded PostgreSQL."""

import os
from pathlib import Path

import pytest

from api.process.diagnosis import diagnose
from api.schema import SCHEMA
from app.settings import Settings
from postgres.embedded import EmbeddedServer
from postgres.migrate import migrate


def test_nothing_is_wrong_with_the_embedded_store_and_its_disk_is_seen(
    server: EmbeddedServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("ROUNDBOOK_")]:
        monkeypatch.delenv(name)
    # Whether another account could serve is the host's business, too.
    settings = Settings(data_dir=str(data_dir), service_user=None if os.geteuid() else "root")
    (*_, absent) = diagnose(settings, workers=1, say=pytest.fail)
    assert (absent.check, absent.verdict) == ("embedded database", "wrong")
    assert f"there is no store in {data_dir}" in absent.what
    with server:
        migrate(SCHEMA, server.owner_url, server.service_url)
        found = list(diagnose(settings, workers=4, say=pytest.fail))
    # How much room there is, is the host's.
    assert [each for each in found if each.verdict != "ok" and each.check != "disk"] == []
    (accounts,) = [each for each in found if each.check == "accounts"]
    assert f"; sealer: uid {os.geteuid()}; PostgreSQL: {server.account.name}" in accounts.what
    (disk,) = [each for each in found if each.check == "disk"]
    assert f"are free in {data_dir}" in disk.what
