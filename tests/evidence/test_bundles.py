"""Bundles, as they come over HTTP and from the command line, are proven by the auditor's own verifier."""

import json
import re
import sys
import tracemalloc
from base64 import b64decode
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cli import main
from app.evidence.bundle import Bundle, BundleOf
from app.evidence.store import checkpoint_of
from app.log.leaves import current_log
from domain.evidence.merkle import TILE_WIDTH
from postgres.connections import connect, open_pool
from tests.evidence.auditor import fetch, fetch_bundle, judged, read_checkpoint
from tests.evidence.conftest import LARGE, Audited, new_audited
from tests.evidence.reading import rows_of
from tests.evidence.tampering import change_past_triggers
from tests.http.service import Service, on, roundbook
from tests.http.wire import body, deposit, login

pytestmark = pytest.mark.xdist_group("evidence")

DAY = 484


def member(bundle: Path, name: str) -> bytes:
    with ZipFile(bundle) as opened:
        return opened.read(name)


def lines_of(bundle: Path) -> list[Any]:
    return [json.loads(line) for line in member(bundle, "events.ndjson").splitlines()]


def test_all_of_a_log_is_proven(day: Audited, client: httpx.Client, tmp_path: Path) -> None:
    bundle = fetch_bundle(client, tmp_path)
    verdict = judged(bundle, day.vkey)
    assert verdict.findings == []
    assert verdict.status == 0
    assert verdict.summary["events"] == verdict.summary["size"] == DAY
    with ZipFile(bundle) as opened:
        assert opened.testzip() is None
        methods = {each.filename: each.compress_type for each in opened.infolist()}
    assert methods == dict.fromkeys(
        ("manifest.json", "checkpoint", "keys", "proof.json", "events.ndjson"), ZIP_DEFLATED
    ) | {"leaves": ZIP_STORED}
    manifest = json.loads(member(bundle, "manifest.json"))
    origin = day.vkey.name
    assert manifest == {
        "format": "roundbook-evidence/1",
        "origin": origin,
        "log_id": origin.rpartition("/")[2],
        "size": DAY,
        "from": 1,
        "to": DAY,
        "stream": None,
    }
    assert member(bundle, "checkpoint").decode() == fetch(client, "checkpoint").text
    assert member(bundle, "keys").decode() == f"{day.vkey}\n"


def test_a_bundle_is_named_and_not_kept(client: httpx.Client) -> None:
    answer = fetch(client, "bundle", to_position=1)
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(
        r'attachment; filename="[0-9a-f]{32}-484\.zip"', answer.headers["content-disposition"]
    )


def test_data_stands_there_as_it_was_sent(
    day: Audited, client: httpx.Client, tmp_path: Path
) -> None:
    with connect(day.database.service_url) as connection:
        stored = [row["state"] for row in rows_of(connection, day.tenant_id)]
    lines = member(fetch_bundle(client, tmp_path), "events.ndjson").splitlines()
    assert [data_in(line) for line in lines] == stored


def data_in(line: bytes) -> bytes:
    """Take an event's data out of its line, as the format says it."""
    _, separator, raw = line.partition(b',"data":')
    if separator:
        return raw.removesuffix(b"}")
    return b64decode(json.loads(line)["data_base64"], validate=True)


@settings(max_examples=15)
@given(data=st.data())
def test_any_stretch_of_a_log_is_proven(
    day: Audited,
    client: httpx.Client,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    first = data.draw(st.integers(1, DAY))
    last = data.draw(st.integers(first, DAY))
    since = data.draw(st.none() | st.integers(1, DAY))
    asked = {"from_position": first, "to_position": last}
    bundle = fetch_bundle(
        client, tmp_path_factory.mktemp("bundle"), **asked, **({"since": since} if since else {})
    )
    verdict = judged(bundle, day.vkey)
    assert verdict.findings == []
    assert verdict.summary["events"] == last - first + 1
    assert [line["position"] for line in lines_of(bundle)] == [*range(first, last + 1)]


def test_that_a_log_continues_the_one_that_was_seen_is_proven(
    day: Audited, client: httpx.Client, tmp_path: Path
) -> None:
    with connect(day.database.service_url) as connection:
        log = current_log(connection, day.tenant_id)
        assert log is not None
        sizes = connection.execute(
            "select size from checkpoints where tenant_id = %s and tree = 'log'", [log.tenant_id]
        ).fetchall()
        for (size,) in sizes[::4]:
            kept = checkpoint_of(connection, log, "log", size)
            assert kept is not None
            note = tmp_path / "note"
            note.write_text(kept.note)
            bundle = fetch_bundle(client, tmp_path, since=size, from_position=DAY)
            verdict = judged(bundle, day.vkey, "--since", str(note))
            assert (verdict.status, verdict.findings) == (0, [])
            assert verdict.summary["since"] == [size]


def test_a_bundle_proves_nothing_to_who_has_another_key(
    day: Audited, client: httpx.Client, sealing: tuple[Service, Any], tmp_path: Path
) -> None:
    other = new_audited(*sealing, "stranger")
    other.send(body(login("x")))
    bundle = fetch_bundle(client, tmp_path)
    verdict = judged(bundle, other.vkey)
    assert verdict.status == 1
    assert {code for _, _, code in verdict.findings} == {"signature"}


def test_what_a_superuser_changed_is_found_in_a_bundle(
    sealing: tuple[Service, Any], tmp_path: Path
) -> None:
    own = new_audited(*sealing, "forged")
    own.send(body(*(deposit(f"d-{number}", amount=59.23) for number in range(600))))
    with connect(own.database.owner_url) as owner:
        change_past_triggers(
            owner,
            "events",
            "update events set state = decode(replace(encode(state, 'escape'), '59.23', '159.23'),"
            f" 'escape') where tenant_id = {own.tenant_id} and position = 333",
            f"delete from events where tenant_id = {own.tenant_id} and position = 444",
        )
    with own.client() as client:
        verdict = judged(fetch_bundle(client, tmp_path), own.vkey)
        assert verdict.status == 1
        assert (333, 333, "leaf") in verdict.findings
        assert any(first <= 444 <= last for first, last, _ in verdict.findings)
        untouched = fetch_bundle(client, tmp_path, from_position=1, to_position=332)
        assert judged(untouched, own.vkey).findings == []
        stream = judged(fetch_bundle(client, tmp_path, player_id="p"), own.vkey)
        assert stream.status == 1
        assert (333, 333, "leaf") in stream.findings


def test_the_events_of_a_player_are_proven_and_none_is_left_out(
    day: Audited, client: httpx.Client, tmp_path: Path
) -> None:
    history = client.get("/api/v1/history", params={"player_id": "StQ-1", "limit": 1000}).json()
    bundle = fetch_bundle(client, tmp_path, player_id="StQ-1")
    lines = lines_of(bundle)
    assert [line["position"] for line in lines] == [each["position"] for each in history["items"]]
    assert [line["version"] for line in lines] == [*range(1, len(lines) + 1)]
    assert json.loads(member(bundle, "manifest.json"))["stream"] == "player:StQ-1"
    verdict = judged(bundle, day.vkey)
    assert verdict.findings == [], verdict
    assert verdict.status == 0
    assert verdict.summary["events"] == len(lines) > 90


def test_that_a_player_has_no_events_is_proven(
    day: Audited, client: httpx.Client, tmp_path: Path
) -> None:
    for name in ("nobody", "\U0001f600", 'a"b\\c\u2028'):
        bundle = fetch_bundle(client, tmp_path, player_id=name)
        assert member(bundle, "leaves") == member(bundle, "events.ndjson") == b""
        assert judged(bundle, day.vkey).findings == []


def test_what_is_written_in_any_way_stands_in_a_bundle(
    sealing: tuple[Service, Any], tmp_path: Path
) -> None:
    own = new_audited(*sealing, "anyhow")
    spelled = (
        b'{"items":[{"event":"login","data":{"unique_id":"a","timestamp":"2025-01-15T12:00:00+01:00",\r\n'
        b'  "player_id":"\\u00e5\\"\\\\\\n"}},{"event":"login","data":{"unique_id":"\xf0\x9f\x98\x80",'
        b'"timestamp":"0001-01-01T00:00:00Z","player_id":"p","data":{"data":1e400, "x":",\\"data\\":"}}},'
        b'{"event":"player","data":{"unique_id":"c","timestamp":"9999-12-31T23:59:59.999999Z","player_id":"p"}}]}'
    ).replace(b"9999-12-31T23:59:59.999999Z", b"2025-01-15T12:00:00.1234567Z")
    own.send(spelled)
    with own.client() as client:
        bundle = fetch_bundle(client, tmp_path)
        assert judged(bundle, own.vkey).findings == []
        first, second, third = lines_of(bundle)
        assert "data_base64" in first
        assert first["stream"] == 'player:å"\\\n'
        assert second["data"]["data"]["x"] == ',"data":'
        assert second["occurred_at"] == "0001-01-01T00:00:00.000000Z"
        assert third["salt"] != "0" * 32
        assert (
            judged(fetch_bundle(client, tmp_path, player_id='å"\\\n'), own.vkey).summary["events"]
            == 1
        )


def test_what_authorities_stamped_comes_along(sealing: tuple[Service, Any], tmp_path: Path) -> None:
    own = new_audited(*sealing, "stamped")
    sizes = [own.send(body(login(f"{each}-1"), login(f"{each}-2"))) for each in "abcd"]
    stamped = {"tsa:https://a.example/tsr": sizes[2:4], "tsa:http://b.example:8/x": sizes[:2]}
    with connect(own.database.service_url) as connection:
        log = current_log(connection, own.tenant_id)
        assert log is not None
        for target, some in stamped.items():
            for size in some:
                connection.execute(
                    "insert into anchors (tenant_id, log_number, tree, target, size, receipt, anchored_at)"
                    " values (%s, %s, 'log', %s, %s, %s, now())",
                    [log.tenant_id, log.number, target, size, f"{target} {size}".encode()],
                )
    with own.client() as client:
        bundle = fetch_bundle(client, tmp_path, to_position=sizes[2] - 1)
        note = fetch(client, "checkpoint", size=sizes[2]).text
        asked = {"from": sizes[2], "to": sizes[3]}
        between = fetch(client, "consistency", **asked).json()
    with ZipFile(bundle) as opened:
        anchors = {name for name in opened.namelist() if name.startswith("anchors/")}
    # Of each the earliest that covers all, else the latest before.
    b, a = f"anchors/1-b.example-8-x-{sizes[1]}", f"anchors/2-a.example-tsr-{sizes[2]}"
    assert anchors == {f"{name}.{kind}" for name in (a, b) for kind in ("tsr", "json")}
    assert member(bundle, f"{a}.tsr") == f"tsa:https://a.example/tsr {sizes[2]}".encode()
    dated = json.loads(member(bundle, f"{a}.json"))
    assert list(dated) == ["size", "root", "proof"]
    assert (dated["size"], dated["root"]) == (sizes[2], note.splitlines()[2])
    assert dated["proof"] == between["proof"]
    # They are no time stamps, and are not taken for some.
    assert judged(bundle, own.vkey).status == 0


def test_a_large_bundle_is_written_in_constant_memory(large: Audited) -> None:
    tenant_id, url = large.tenant_id, large.database.service_url
    with open_pool(url, max_size=1) as pool:
        few, many = (
            peak_of(Bundle(pool, tenant_id, BundleOf(first=1, last=last)).pieces())
            for last in (4_000, 16_000)
        )
        assert many < 1.3 * few
        # Its audit paths alone would be 80 MB.
        stream = Bundle(pool, tenant_id, BundleOf(stream="player:p")).pieces()
        assert peak_of(islice(stream, 12)) < 2 * few


def peak_of(pieces: Iterator[bytes]) -> int:
    """The most bytes that are held while a bundle is written to nowhere."""
    tracemalloc.start()
    try:
        assert sum(map(len, pieces)) > 100_000
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_bundle_is_proven(large: Audited, tmp_path: Path) -> None:
    asked = {"from_position": 2 * TILE_WIDTH, "to_position": 69_000, "since": 65_536}
    with large.client() as client:
        verdict = judged(fetch_bundle(client, tmp_path, **asked), large.vkey)
    assert verdict.findings == []
    assert verdict.summary["size"] == LARGE


@pytest.fixture
def written(day: Audited, tmp_path: Path) -> Path:
    """A bundle that the command wrote."""
    file = tmp_path / "b.zip"
    ended = roundbook("evidence", "bundle", day.tenant, str(file), settings=on(day.database))
    assert ended.stdout == ""
    assert ended.stderr == f"wrote {file}: positions 1 to 484, of a log of 484\n"
    return file


def test_the_command_writes_the_same(
    day: Audited, client: httpx.Client, written: Path, tmp_path: Path
) -> None:
    assert judged(written, day.vkey).status == 0
    with ZipFile(written) as command, ZipFile(fetch_bundle(client, tmp_path)) as http:
        assert command.namelist() == http.namelist()
        for name in command.namelist():
            assert command.read(name) == http.read(name)
    assert read_checkpoint(member(written, "checkpoint").decode(), day.vkey).size == DAY


def test_the_command_takes_a_part(day: Audited, tmp_path: Path) -> None:
    asked = {
        "stretch": ("--from-position", "5", "--to-position", "9", "--since", "7"),
        "player": ("--player", "StQ-1"),
    }
    events = {}
    for name, options in asked.items():
        file = tmp_path / name
        roundbook("evidence", "bundle", day.tenant, str(file), *options, settings=on(day.database))
        verdict = judged(file, day.vkey)
        assert verdict.findings == []
        events[name] = verdict.summary["events"]
    assert events["stretch"] == 5
    assert events["player"] > 90


def test_the_command_says_what_it_can_not_write(
    day: Audited,
    written: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["roundbook", "evidence", "bundle", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert out == ""
        return ended.value.code, err

    for name, value in on(day.database).items():
        monkeypatch.setenv(name, value)

    before, new = written.read_bytes(), str(tmp_path / "new.zip")
    status, said = refused(day.tenant, str(written))
    assert status == 1
    assert str(written) in said
    assert written.read_bytes() == before
    assert refused(day.tenant, str(tmp_path / "no" / "folder.zip"))[0] == 1
    assert refused(day.tenant, new, "--to-position", "485") == (
        1,
        "Error: there is no such bundle of day yet: The log is sealed up to size 484.\n",
    )
    assert refused("nobody-at-all", new) == (1, "Error: there is no tenant 'nobody-at-all'\n")
    for options in (
        *(("--player", "p", "--to-position", "3"), ("--from-position", "3", "--to-position", "2")),
        *(("--player", ""), ("--player", "x" * 256), ("--from-position", "0"), ("--since", "x")),
    ):
        assert refused(day.tenant, new, *options)[0] == 2, options
    assert not Path(new).exists()
