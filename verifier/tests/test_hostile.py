"""Files that were made to break the verifier end in exit status 2 or in findings, in bounded memory."""

import io
import json
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundbook_verify.main import main
from verifier.tests.building import OPERATOR, WITNESSES, compact, note, player_log, root, write

LOG = player_log()
MANIFEST = dict(LOG.manifest())


@pytest.fixture
def status(tmp_path: Path) -> Callable[..., int]:
    def run(members: Any) -> int:
        target = tmp_path / "bundle.zip"
        if isinstance(members, bytes):
            target.write_bytes(members)
        else:
            write(target, members)
        return main([str(target), "--vkey", OPERATOR.vkey])

    return run


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 50_000,
        b"{" + b" " * 70_000 + b"}",
        compact(MANIFEST)[:-1] + b',"size":12}',
        compact(MANIFEST).replace(b'"size":12', b'"size":NaN'),
        compact(MANIFEST).replace(b'"size":12', b'"size":1' + b"0" * 5000),
        *(
            compact(MANIFEST | change)
            for change in (
                {"size": 11},
                {"size": "12"},
                {"size": True},
                {"size": 12.0},
                {"size": 1 << 64, "to": 1 << 64},
                {"from": 0},
                {"from": -1},
                {"from": 5, "to": 4},
                {"format": "roundbook-evidence/2"},
                {"log_id": "00" * 16},
                {"log_id": None},
                {"origin": ["a"]},
                {"origin": "no/log"},
                {"stream": 7},
                {"stream": "player:Ada", "from": 2},
                {"stream": "player:Ada", "to": 11},
                {"stream": "\ud800"},
                {"more": 1},
            )
            if "\ud800" not in change.values()
        ),
        json.dumps(MANIFEST | {"stream": "\ud800"}).encode(),
    ],
)
def test_a_manifest_that_is_none_is_unreadable(status: Callable[..., int], manifest: bytes) -> None:
    assert status(LOG.range() | {"manifest.json": manifest}) == 2


def test_what_is_no_zip_is_unreadable(status: Callable[..., int], tmp_path: Path) -> None:
    for data in (b"", b"PK", bytes(100), write(tmp_path / "whole", LOG.range()).read_bytes()[:-30]):
        assert status(data) == 2
    assert main([str(tmp_path / "none"), "--vkey", OPERATOR.vkey]) == 2
    assert main([str(tmp_path), "--vkey", OPERATOR.vkey]) == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--vkey", "x"],
        ["--vkey", OPERATOR.vkey.replace("+", "+0", 1)],
        ["--vkey", WITNESSES[0].vkey],
        ["--vkey", OPERATOR.vkey, "--witness", OPERATOR.vkey],
        ["--vkey", OPERATOR.vkey, "--since", "/nonexistent"],
        ["--vkey", OPERATOR.vkey, "--tsa-root", "/nonexistent"],
        ["--vkey", OPERATOR.vkey, "--since", __file__],
        ["--vkey", OPERATOR.vkey, "--tsa-root", __file__],
    ],
)
def test_misuse_ends_in_two(tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write(tmp_path / "bundle.zip", LOG.range())
    assert main([str(bundle), *options]) == 2
    assert capsys.readouterr().err.startswith("roundbook-verify: ")


@pytest.mark.parametrize("quorum", ["2", "-1", "x"])
def test_a_quorum_of_more_than_are_named_is_misuse(
    tmp_path: Path, quorum: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, witness = write(tmp_path / "bundle.zip", LOG.range()), WITNESSES[0].vkey
    with pytest.raises(SystemExit) as ended:
        main([str(bundle), "--vkey", OPERATOR.vkey, *["--witness", witness] * 2, "--quorum", quorum])
    assert ended.value.code == 2
    assert "--quorum" in capsys.readouterr().err


def test_a_member_twice_is_found(status: Callable[..., int]) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        assert status([*LOG.range().items(), ("leaves", b"".join(LOG.leaves))]) == 1


def test_a_member_with_a_wrong_sum_is_found(status: Callable[..., int], tmp_path: Path) -> None:
    target = tmp_path / "stored.zip"
    with zipfile.ZipFile(target, "w") as file:
        for name, data in LOG.range().items():
            file.writestr(name, data)
    data = target.read_bytes()
    assert status(data) == 0
    assert status(data.replace(b'"amount":0.5', b'"amount":1.5', 1)) == 1


def test_a_member_that_is_shorter_than_the_zip_says_is_found(
    status: Callable[..., int], tmp_path: Path
) -> None:
    data = bytearray(write(tmp_path / "whole", LOG.range()).read_bytes())
    at = data.index(b"PK\1\2") + 24
    while bytes(data[at + 22 : at + 26]) != b"leav":
        at = data.index(b"PK\1\2", at) + 24
    data[at] += 1
    assert status(bytes(data)) == 1


def test_other_ways_of_packing_are_refused(status: Callable[..., int]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as file:
        for name, data in LOG.range().items():
            file.writestr(name, data)
    assert status(packed.getvalue()) == 2


def test_a_list_of_members_as_long_as_memory_is_refused(status: Callable[..., int]) -> None:
    record = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", *[0] * 4, *[0] * 4, 0, 0, 0, 1, *[0] * 4, 0, 0)
    entries = (record + b"a") * 120_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entries), 0, 0)
    assert status(entries + end) == 2


def test_great_members_are_read_in_bounded_memory(tmp_path: Path) -> None:
    """A quarter of a gigabyte in each member by turns; the process may use 150 MB."""
    great = dict.fromkeys(("events.ndjson", "leaves", "proof.json", "checkpoint", "manifest.json"), 1 << 28)
    cases = [(name, size, b"x") for name, size in great.items()]
    for name, size, fill in [*cases, ("events.ndjson", 1 << 25, b"\n")]:
        bundle = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for other, data in (
                LOG.stream("player:Ada").items() if name == "proof.json" else LOG.range().items()
            ):
                if other != name:
                    file.writestr(other, data)
            with file.open(name, "w", force_zip64=True) as member:
                for _ in range(size >> 22):
                    member.write(fill * (1 << 22))
        # Not ru_maxrss: that begins with what the process had before it became another program.
        program = (
            "import re, sys; from roundbook_verify.main import main; status = main(sys.argv[1:]);"
            "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]); sys.exit(status)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(bundle), "--vkey", OPERATOR.vkey],
            env={"PYTHONPATH": str(Path(__file__).parents[1] / "src")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode in {1, 2}, name
        assert "Traceback" not in done.stderr
        assert int(done.stdout.splitlines()[-1]) < 150_000, name
        bundle.unlink()


COSIGNED = {"checkpoint": note(12, root(LOG.leaves), [OPERATOR, WITNESSES[0]]), "since.json": LOG.since(7)}
RANGE, STREAM = LOG.range(2, 11) | COSIGNED, LOG.stream("player:Ada", 10) | COSIGNED
PLACES = [
    (members, name, at)
    for members, names in (
        (RANGE, ("events.ndjson", "leaves", "proof.json", "checkpoint", "since.json")),
        (STREAM, ("events.ndjson", "leaves", "proof.json", "checkpoint")),
    )
    for name in names
    for at in range(len(members[name]))
]


@settings(max_examples=400)
@given(place=st.sampled_from(PLACES), by=st.integers(1, 255))
def test_any_byte_that_is_changed_is_found(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[dict[str, bytes], str, int], by: int
) -> None:
    members, name, at = place
    data = bytearray(members[name])
    data[at] ^= by
    bundle = write(tmp_path_factory.getbasetemp() / "changed.zip", members | {name: bytes(data)})
    assert main([str(bundle), "--vkey", OPERATOR.vkey, "--witness", WITNESSES[0].vkey]) == 1


@settings(max_examples=200)
@given(seed=st.integers(0, 1 << 32))
def test_a_zip_with_changed_bytes_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    target = tmp_path_factory.getbasetemp() / "broken.zip"
    with zipfile.ZipFile(target, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as file:
        for name, data in STREAM.items():
            file.writestr(name, data)
    broken = bytearray(target.read_bytes())
    for _ in range(chance.randint(1, 8)):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    target.write_bytes(broken)
    assert main([str(target), "--vkey", OPERATOR.vkey, "--witness", WITNESSES[0].vkey]) in {0, 1, 2}
