"""Where processes leave their metrics for each other, and what a killed service leaves behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from api.process import metrics_folders
from api.process.metrics_folders import MetricsFolders

_DAYS_S = 2 * 86_400.0
_MAKE = """
import sys
from api.process.metrics_folders import MetricsFolders

folders = MetricsFolders(None, places=1)
print("made", flush=True)
sys.stdin.read()
"""


def test_what_killed_services_left_behind_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of 4 MB for each process stayed for ever."""
    place, memory = tmp_path / "place", tmp_path / "memory"
    place.mkdir()
    memory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(metrics_folders, "_IN_MEMORY", memory)

    def older_version(name: str, parent: Path = place, *, is_old: bool) -> Path:
        folder = parent / f"roundbook-metrics-{name}"
        (folder / "serving").mkdir(parents=True)
        (folder / "serving/counter_0.db").write_bytes(b"1")
        if is_old:
            for path in (folder / "serving/counter_0.db", folder / "serving", folder):
                written = path.stat().st_mtime - _DAYS_S
                os.utime(path, (written, written))
        return folder

    older_version("old", is_old=True)
    older_version("old-in-memory", memory, is_old=True)
    kept = {older_version("young", is_old=False), older_version("at-work", is_old=True)}
    (place / "roundbook-metrics-at-work/serving/counter_0.db").write_bytes(b"2")
    link = place / "roundbook-metrics-link"
    link.symlink_to(older_version("elsewhere", tmp_path, is_old=True))
    kept.add(link)
    if os.geteuid() == 0:
        of_another = older_version("of-another", is_old=True)
        os.chown(of_another, 1, 1)
        kept.add(of_another)

    command = [sys.executable, "-c", _MAKE]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(place)},
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"made\n"
        [of_killed] = set(place.iterdir()) - kept - {place / "roundbook-metrics-old"}
        beside = MetricsFolders(None, places=1)
        assert of_killed in set(place.iterdir()), "it is in use"
        killed.kill()
    after = MetricsFolders(None, places=1)
    assert len(set(place.iterdir()) - kept) == 2
    assert kept < set(place.iterdir())
    assert of_killed not in set(place.iterdir())
    assert (link / "serving/counter_0.db").exists()
    assert not any(memory.iterdir())
    for each in (beside, after):
        each.remove()
    assert set(place.iterdir()) == kept
