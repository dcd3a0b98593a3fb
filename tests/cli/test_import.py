"""`roundbook import`: files of three formats, faulty lines by their numbers, and going on after a break."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from domain.item_types import ITEM_TYPES
from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, in_folder, on, roundbook
from tests.http.wire import NOON, bet, deposit, login
from tests.processes import kill_all


def imported(said: str) -> tuple[int, int, int, int]:
    found = re.fullmatch(
        r"(\d+) stored, (\d+) duplicate, (\d+) conflict, (\d+) invalid; \d+ items/s\n", said
    )
    assert found, said
    stored, duplicate, conflict, invalid = map(int, found.groups())
    return stored, duplicate, conflict, invalid


@pytest.fixture
def client(run: Run, service: Service, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client of a tenant of the test's own, named as the test."""
    name = tenant(request)
    run("tenant", "create", name)
    key = run("key", "create", name, *("--scope", "ingest", "--scope", "read", "--scope", "audit"))
    with service.client(key.strip()) as opened:
        yield opened


def tenant(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).removeprefix("test_").replace("_", "-")[:60]


def ndjson(path: Path, *items: Any) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in items))
    return path


def faulty(served: Database, *arguments: str) -> tuple[tuple[int, int, int, int], list[str]]:
    """Import what has faults; gives the counts, and what is said of lines."""
    ended = roundbook("import", *arguments, settings=on(served), check=False)
    assert ended.returncode == 1, ended.stderr
    *told, last = ended.stderr.splitlines()
    assert re.fullmatch(r"Error: [\d,]+ items are invalid", last), ended.stderr
    return imported(ended.stdout), told


def test_lines_arrays_batches_and_rows_are_recorded(
    run: Run,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    lines = tmp_path / "lines.ndjson"
    exact = b'{"unique_id":"a","timestamp":"2025-01-15T12:00:00Z","player_id":"p","x":1.500}'
    first = b'{"data": ' + exact + b', "more": 1, "event": "login"}'
    lines.write_bytes(b"\xef\xbb\xbf" + first + b"\r\n\n" + json.dumps(login("b")).encode())
    array = tmp_path / "array.json"
    array.write_text(json.dumps([deposit("c"), bet("d")], indent=2))
    batch = tmp_path / "batch.JSON"
    batch.write_text(json.dumps({"items": [login("e"), login("a", x=1.5)]}))
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "event,unique_id,timestamp,player_id,amount,currency,method,amount_eur,tags,is_blocked,note\n"
        f'deposit,f,{NOON},p,12.340,EUR,"Card, of a bank",,,,"two\nlines"\n'
        f"player,g,{NOON},p,,,,,VIP|new,TRUE,\n"
    )
    asked = (tenant(request), *map(str, (lines, array, batch, rows)), "--url", service.url)
    assert imported(run("import", *asked)) == (7, 1, 0, 0)
    assert imported(run("import", *asked, "--batch", "1")) == (0, 8, 0, 0)
    assert list(tmp_path.glob("*.importing*")) == []
    history = client.get("/api/v1/history")
    assert [entry["data"]["unique_id"] for entry in history.json()["items"]] == list("abcdefg")
    assert b'"data":' + exact in history.content
    paid = history.json()["items"][5]["data"]
    assert b'"amount":12.340' in history.content
    assert (paid["method"], paid["note"]) == ("Card, of a bank", "two\nlines")
    assert "amount_eur" not in paid
    profile = history.json()["items"][6]["data"]
    assert (profile["tags"], profile["is_blocked"]) == (["VIP", "new"], True)


def test_columns_are_mapped_and_rows_are_of_one_event(
    run: Run,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    file = tmp_path / "bets.txt"
    file.write_text(
        "id,when,customer,game_id,round_id,stake,currency,is_win,is_bonus\n"
        f"b1,{NOON},p,g,r,0.5,EUR,false,False\n"
    )
    columns = ("id=unique_id", "when=timestamp", "customer=player_id", "stake=amount")
    mapped = [word for column in columns for word in ("--map", column)]
    asked = (tenant(request), str(file), *mapped, "--event", "gameround", "--format", "csv")
    assert imported(run("import", *asked, "--url", service.url)) == (1, 0, 0, 0)
    [entry] = client.get("/api/v1/history").json()["items"]
    assert (entry["type"], entry["data"]["amount"], entry["data"]["player_id"]) == (
        "BetPlaced",
        0.5,
        "p",
    )


def test_every_faulty_line_is_named_with_all_its_faults_and_the_rest_is_recorded(
    served: Database,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    lines = tmp_path / "lines.ndjson"
    lines.write_text(
        json.dumps(login("a"))
        + "\n\n{not json\n"
        + json.dumps(deposit("b", amount=-1, currency="E"))
        + "\n7\n"
        + json.dumps(login("a", player_id="other"))
        + "\n"
    )
    array = tmp_path / "array.json"
    array.write_text(json.dumps([login("c"), {"event": "spin", "data": {}}], indent=1))
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "unique_id,timestamp,player_id,amount\n"
        f'd,{NOON},"a\nb",1\n'
        f"e,{NOON},p,\n"
        f"f,{NOON},p\n"
        f"g,{NOON},p,1e400x\n"
    )
    files = [str(each) for each in (lines, array, rows)]
    asked = (tenant(request), *files, "--event", "deposit", "--url", service.url)
    counts, told = faulty(served, *asked, "--batch", "2")
    assert counts == (2, 0, 1, 8)
    no_code = "must be an ISO 4217 code, or a code allowed for the tenant"
    assert told == [
        f"{lines}:3: is not JSON: expected '\"' (byte 1)",
        f"{lines}:4: /data/amount must not be negative (negative)",
        f"{lines}:4: /data/currency {no_code} (unknown_currency)",
        f"{lines}:5: must be an object (wrong_type)",
        f'{lines}:6: conflict: other content is recorded under "a" at position 1',
        f"{array}:10: /event must be one of {', '.join(ITEM_TYPES)} (unknown_event)",
        f"{rows}:2: /data/currency must be given (missing)",
        f"{rows}:2: /data/method must be given (missing)",
        f"{rows}:4: /data/amount must be given (missing)",
        f"{rows}:4: /data/currency must be given (missing)",
        f"{rows}:4: /data/method must be given (missing)",
        f"{rows}:5: has 3 cells, and the header 4",
        f"{rows}:6: /data/amount must be a number (wrong_type)",
        f"{rows}:6: /data/currency must be given (missing)",
        f"{rows}:6: /data/method must be given (missing)",
    ]
    assert client.get("/api/v1/status").json()["log_position"] == 2


def test_a_dry_run_tells_the_same_and_records_nothing(
    served: Database,
    run: Run,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    good = ndjson(tmp_path / "good.ndjson", login("a"), deposit("b"))
    bad = ndjson(tmp_path / "bad.ndjson", login("c", player_id=1), login("d"))
    where = ("--url", service.url, "--dry-run")
    assert imported(run("import", tenant(request), str(good), *where)) == (2, 0, 0, 0)
    counts, told = faulty(served, tenant(request), str(bad), *where)
    assert counts == (1, 0, 0, 1)
    assert told == [f"{bad}:1: /data/player_id must be a string (wrong_type)"]
    assert client.get("/api/v1/status").json()["log_position"] == 0
    assert client.get("/api/v1/refused").json()["items"] == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.ndjson", "good.ndjson"]


class Between:
    """Passes batches on to a service, as many as it may, and refuses the next."""

    def __init__(self, service: Service) -> None:
        between = self
        self.left = 0
        self.batches: list[int] = []
        self.come_back: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["content-length"]))
                between.meanwhile()
                if between.come_back:
                    self.send_response(503)
                    self.send_header("retry-after", between.come_back.pop(0))
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                between.left -= 1
                if between.left < 0:
                    self.send_error(500)
                    return
                between.batches.append(len(json.loads(sent)["items"]))
                names = ("x-api-key", "content-type", "prefer")
                headers = {name: self.headers[name] for name in names}
                try:
                    answer = httpx.post(
                        service.url + self.path, content=sent, headers=headers, timeout=60
                    )
                except httpx.TransportError:
                    return  # and the connection is closed
                self.send_response(answer.status_code)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_an_import_that_was_broken_off_goes_on_where_it_stood(
    served: Database,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    items = [login(f"u{number}", player_id=1 if number == 1 else "p") for number in range(9)]
    file = ndjson(tmp_path / "some.ndjson", *items)
    mark = tmp_path / "some.ndjson.importing"
    with Between(service) as between:
        asked = ("import", tenant(request), str(file), "--batch", "2", "--url", between.url)

        def broken_off() -> str:
            ended = roundbook(*asked, settings=on(served), check=False)
            assert (ended.returncode, ended.stdout) == (1, "")
            assert "answered 500" in ended.stderr
            return ended.stderr

        broken_off()
        assert not mark.exists()
        between.left = 2
        told = broken_off()
        assert f"{file}:2: /data/player_id must be a string" in told
        assert f"{file}: 4 items are done; the same command goes on there" in told
        assert mark.exists()
        between.left, between.batches = 9, []
        counts, said = faulty(served, *asked[1:])
        # What was done is not sent again, and its faults are counted still.
        assert between.batches == [2, 2, 1]
        assert (counts, said) == ((5, 0, 0, 1), [])
        assert not mark.exists()
        assert client.get("/api/v1/status").json()["log_position"] == 8
        # A file that is another one by now begins anew.
        between.left = 1
        broken_off()
        ndjson(file, *items, login("more"))
        between.left = 9
        counts, _ = faulty(served, *asked[1:])
        assert counts == (1, 8, 0, 1)


def test_an_import_in_another_way_begins_anew(
    served: Database,
    run: Run,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    file = tmp_path / "rows.csv"
    rows = "".join(f"u{n},{NOON},a{n},b{n}\n" for n in range(4))
    file.write_text(f"unique_id,timestamp,one,other\n{rows}")
    with Between(service) as between:
        where = (str(file), "--batch", "2", "--url", between.url)
        asked = (*where, "--map", "one=player_id", "--event", "login")

        def breaks_off(*arguments: str) -> None:
            between.left = 1
            ended = roundbook("import", *arguments, settings=on(served), check=False)
            assert "answered 500" in ended.stderr

        def goes_on(*arguments: str) -> list[int]:
            between.left, between.batches = 9, []
            roundbook("import", *arguments, settings=on(served))
            return between.batches

        name = tenant(request)
        breaks_off(name, *asked)
        assert goes_on(name, *where, "--map", "other=player_id", "--event", "login") == [2, 2]
        breaks_off(name, *asked)
        assert goes_on(name, *where, "--map", "one=player_id", "--event", "player") == [2, 2]
        breaks_off(name, *asked)
        key = run("key", "create", name, "--scope", "ingest").strip()
        assert goes_on(name, *asked, "--key", key) == [2, 2]
        breaks_off(name, *asked)
        assert goes_on(name, *asked, "--format", "csv") == [2]


def test_a_file_that_becomes_another_meanwhile_begins_anew(
    served: Database,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    file = ndjson(tmp_path / "some.ndjson", *(login(f"u{n}") for n in range(3)))
    with Between(service) as between:
        # Another file comes in the place of the one that is being read.
        others = tmp_path / "others"
        ndjson(others, *(login(f"v{n}") for n in range(4)))
        between.meanwhile = lambda: others.replace(file) if others.exists() else None
        asked = ("import", tenant(request), str(file), "--batch", "2", "--url", between.url)
        between.left = 1
        ended = roundbook(*asked, settings=on(served), check=False)
        assert "answered 500" in ended.stderr
        between.left, between.batches = 9, []
        assert imported(roundbook(*asked, settings=on(served)).stdout) == (4, 0, 0, 0)


def test_a_key_of_another_tenant_is_refused(
    served: Database,
    run: Run,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    other = f"other-{tenant(request)}"
    run("tenant", "create", other)
    key = run("key", "create", other, "--scope", "ingest").strip()
    file = ndjson(tmp_path / "some.ndjson", login("a"))
    where = ("--url", service.url, "--key", key)
    for command in (("import", tenant(request), str(file)), ("simulate", tenant(request))):
        ended = roundbook(*command, *where, settings=on(served), check=False)
        assert ended.returncode == 2
        assert f"is not a key of '{tenant(request)}'" in ended.stderr
    assert imported(run("import", other, str(file), *where)) == (1, 0, 0, 0)
    # Whose it is can't be told from where there is no store.
    elsewhere = {"ROUNDBOOK_DATA_DIR": str(tmp_path / "none")}
    ended = roundbook("import", other, str(file), *where, settings=elsewhere)
    assert imported(ended.stdout) == (0, 1, 0, 0)
    assert client.get("/api/v1/status").json()["log_position"] == 0


def test_what_is_faulty_keeps_nothing_else_from_being_recorded(
    served: Database,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    deepest, deeper = (b"[" * depth + b"]" * depth for depth in (124, 125))
    lines = tmp_path / "deep.ndjson"
    lines.write_bytes(
        b"".join(
            json.dumps(login(name)).encode().replace(b'"data": {', b'"data": {"x": ' + deep + b", ")
            + b"\n"
            for name, deep in (("a", deepest), ("b", deeper), ("c", b"1"))
        )
    )
    bytes_ = tmp_path / "bytes.csv"
    header = b"event,unique_id,timestamp,player_id\n"
    row = f"login,%b,{NOON},p\n".encode()
    bytes_.write_bytes(header + row % b"d" + row % b"e\xff" + row % "\xe9".encode())
    quotes = tmp_path / "quotes.csv"
    quotes.write_bytes(header + row % b"f" + row % b'"g"x' + row % b"h")
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"{")
    last = ndjson(tmp_path / "last.ndjson", login("i"))
    files = [str(each) for each in (lines, bytes_, quotes, broken, last)]
    asked = ("import", tenant(request), *files, "--url", service.url)
    ended = roundbook(*asked, settings=on(served), check=False)
    assert (ended.returncode, imported(ended.stdout)) == (1, (6, 0, 0, 3))
    *told, error = ended.stderr.splitlines()
    assert error == f"Error: 3 items are invalid, {broken} can't be read"
    assert [line.partition(": ")[0] for line in told[:3]] == [
        f"{lines}:2",
        f"{bytes_}:3",
        f"{quotes}:3",
    ]
    assert "nests more than 126 levels deep" in told[0]
    assert told[1].endswith("is not UTF-8")
    assert told[2].endswith("; the rest of the file is not read")
    assert told[3].startswith(f"{broken} is not JSON")
    history = client.get("/api/v1/history").json()["items"]
    assert [entry["data"]["unique_id"] for entry in history] == list("acd\xe9fi")


def test_when_to_come_back_is_said_in_seconds_or_by_a_date(
    served: Database,
    service: Service,
    client: httpx.Client,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    file = ndjson(tmp_path / "some.ndjson", login("a"))
    with Between(service) as between:
        asked = ("import", tenant(request), str(file), "--url", between.url)
        between.left, between.come_back = 9, ["0", "Sun, 06 Nov 1994 08:49:37 GMT"]
        assert imported(roundbook(*asked, settings=on(served)).stdout) == (1, 0, 0, 0)
        between.come_back = ["soon"]
        ended = roundbook(*asked, settings=on(served), check=False)
        assert "Error: the service answered 503" in ended.stderr


def test_a_service_that_is_killed_meanwhile_leaves_no_key(tmp_path: Path) -> None:
    settings = in_folder(tmp_path / "data")
    file = ndjson(tmp_path / "some.ndjson", *(login(f"u{n}") for n in range(3)))
    killed = Service(tmp_path, settings=settings)
    with Between(killed) as between:

        def kill() -> None:
            kill_all(killed.family())
            killed.process.communicate()

        roundbook("tenant", "create", "acme", settings=settings)
        between.left, between.meanwhile = 9, kill
        asked = ("import", "acme", str(file), "--batch", "1", "--url", between.url)
        ended = roundbook(*asked, settings=settings, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "can't be reached" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    [key] = roundbook("key", "list", "acme", settings=settings).stdout.splitlines()[-1:]
    assert "roundbook import" in key
    assert "revoked" in key


def test_what_can_not_be_imported_is_refused_before_anything_is_sent(
    served: Database, service: Service, tmp_path: Path
) -> None:
    def refused(name: str, content: bytes, *arguments: str) -> tuple[int, str]:
        file = tmp_path / name
        file.write_bytes(content)
        asked = ("import", "nobody", str(file), "--url", service.url, "--key", "x", *arguments)
        ended = roundbook(*asked, settings=on(served), check=False)
        assert ended.stdout == "" or imported(ended.stdout) in {(0, 0, 0, 0), (0, 0, 0, 1)}
        return ended.returncode, ended.stderr

    def is_told(answer: tuple[int, str], status: int, words: str) -> None:
        assert answer[0] == status, answer
        assert words in answer[1]

    is_told(refused("a.txt", b""), 2, "say by --format how")
    is_told(refused("a.csv", b"unique_id\n"), 1, "has no column `event`")
    is_told(refused("a.csv", b"event\n", "--map", "x=y"), 1, "has no column 'x'")
    is_told(refused("a.csv", b"event,a\n", "--map", "a=event"), 1, "more than one column for event")
    is_told(refused("a.csv", b"event,a\n", "--map", "a"), 2, "is not column=member")
    is_told(refused("a.csv", b'"event'), 1, "is not CSV at line 1")
    is_told(refused("a.csv", b'event\n"log'), 1, "a.csv:2: is not CSV: ")
    is_told(refused("a.csv", b"event,\xff\n"), 1, "is not UTF-8 at line 1")
    is_told(refused("a.csv", b"event\n\xff\n"), 1, "a.csv:2: is not UTF-8")
    is_told(refused("a.json", b"{"), 1, "is not JSON")
    is_told(refused("a.json", b"7"), 1, "is neither an array of items nor an object with `items`")
    is_told(refused("a.ndjson", json.dumps(login("a")).encode()), 1, "answered 403")
