"""What one tenant sends, or stalls, harms no other, and is not kept."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import zstandard

from tests.databases import Database, new_database
from tests.http.service import Service, on, serving
from tests.http.wire import EVENTS, Wire, assert_problem, body, counts, deposit, login

pytestmark = pytest.mark.xdist_group("fair intake")

MIB = 1 << 20


@pytest.fixture(scope="module")
def fair(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service with the tenants `bad` and `quiet`, in which bodies may stall for long."""
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_BODY_GRACE_S": "60"}
        with serving(tmp_path_factory.mktemp("fair"), settings=settings) as running:
            running.new_tenant("bad")
            running.new_tenant("quiet")
            yield running


def stall(service: Service, key: str, size: int, sent: int) -> Wire:
    """Begin a body of `size` bytes, and send so many of them."""
    wire = Wire(service.address)
    headers = {"x-api-key": key, "content-type": "application/json", "content-length": str(size)}
    wire.request(f"POST {EVENTS}", headers)
    wire.send(b" " * sent)
    return wire


def test_eight_large_bodies_that_stall_keep_no_other_tenant_out(fair: Service) -> None:
    keys = [fair.new_key("bad") for _ in range(2)]
    quiet = fair.new_key("quiet")
    with ExitStack() as stack, fair.client(quiet) as client:
        opened = ThreadPoolExecutor(8)
        begun = [opened.submit(stall, fair, key, 16 * MIB, 16 * MIB - 1) for key in keys * 4]
        answers = Counter(
            client.post(EVENTS, content=body(login(f"q-{number}"))).status_code
            for number in range(100)
        )
        for each in begun:
            # Who sent more than its tenant may hold was refused, and can't send the rest.
            if each.exception() is None:
                stack.callback(each.result().socket.close)
        # All of them are there by now.
        answers.update(
            client.post(EVENTS, content=body(login(f"r-{number}"))).status_code
            for number in range(100)
        )
    assert answers == {204: 200}


def test_one_key_is_refused_while_another_of_its_tenant_has_room(fair: Service) -> None:
    greedy, other = fair.new_key("bad"), fair.new_key("bad")
    with ExitStack() as stack:
        wires = [stall(fair, greedy, 16 * MIB, 15 * MIB) for _ in range(3)]
        for wire in wires:
            stack.callback(wire.socket.close)
        with Wire(fair.address) as fourth:
            headers = {"x-api-key": greedy, "content-type": "application/json"}
            fourth.request(f"POST {EVENTS}", headers | {"transfer-encoding": "chunked"})
            sender = threading.Thread(target=send_chunks, args=(fourth, 16 * MIB))
            sender.start()
            assert_problem(fourth.answer(), "too-busy")
        sender.join()
        with fair.client(other) as client:
            assert client.post(EVENTS, content=b" " * (4 * MIB) + b"[]").status_code == 422


def send_chunks(wire: Wire, size: int) -> None:
    chunk = b"%x\r\n%b\r\n" % (MIB // 4, b" " * (MIB // 4))
    try:
        for _ in range(size * 4 // MIB):
            wire.send(chunk)
    except OSError:
        pass  # refused, and closed


def test_a_body_below_the_least_rate_is_ended_whatever_it_brought_before(
    fresh_database: Database, tmp_path: Path
) -> None:
    settings = on(fresh_database) | {
        "ROUNDBOOK_BODY_GRACE_S": "2",
        "ROUNDBOOK_MIN_BODY_RATE": "500",
    }
    with serving(tmp_path, settings=settings) as service:
        service.new_tenant("acme")
        key = service.new_key("acme")
        with stall(service, key, 16 * MIB, 8 * MIB) as wire:
            problem = assert_problem(wire.answer(), "body-too-slow")
        assert "some seconds" in problem["detail"]
        # One that goes on is served, though it takes longer than the stretch.
        text = b" " * 32_000 + body(login("slow"))
        with stall(service, key, len(text), 0) as wire:
            pause = threading.Event()
            for start in range(0, len(text), 2_000):
                wire.send(text[start : start + 2_000])
                pause.wait(0.15)
            assert wire.answer().status_code == 204


def large(unique_id: str, size: int) -> bytes:
    return body(login(unique_id, x="x" * size))


def test_an_event_that_is_too_large_is_422_and_what_is_stored_stays_readable(
    fresh_database: Database, tmp_path: Path
) -> None:
    before = on(fresh_database) | {"ROUNDBOOK_MAX_EVENT_BYTES": str(8 * MIB)}
    sent = large("stored", 3 * MIB)
    with serving(tmp_path, settings=before) as service:
        service.new_tenant("acme")
        key = service.new_key("acme", "ingest", "read", "audit")
        with service.client(key) as client:
            assert counts(client.post(EVENTS, content=sent)) == (1, 0, 0)
    with serving(tmp_path, settings=on(fresh_database)) as service, service.client(key) as client:
        batch = body(login("a"), json.loads(sent)["items"][0])
        for encoding, content in {"identity": batch, "gzip": gzip.compress(batch)}.items():
            answer = client.post(EVENTS, content=content, headers={"content-encoding": encoding})
            [fault] = assert_problem(answer, "invalid-items")["errors"]
            assert (fault["pointer"], fault["code"]) == ("/items/1/data", "too-large")
        player = client.get("/api/v1/players/p", params={"at_least": 1})
        assert player.json()["logins"] == 1
        history = client.get("/api/v1/history", headers={"accept": "application/x-ndjson"})
        [line] = history.text.splitlines()
        assert json.loads(line)["data"] == json.loads(sent)["items"][0]["data"]
        past = client.get("/api/v1/players/p", params={"at_position": 1})
        assert past.json()["logins"] == 1


def test_a_large_repeat_spelled_otherwise_is_a_duplicate_and_others_go_on(fair: Service) -> None:
    bad, quiet = fair.new_key("bad"), fair.new_key("quiet")

    def numbers(spelled: str) -> bytes:
        values = "[" + ",".join(f"{number}{spelled}" for number in range(20_000)) + "]"
        items = [
            json.dumps(deposit(f"large-{index}", x="?")).replace('"?"', values)
            for index in range(20)
        ]
        return f'{{"items":[{",".join(items)}]}}'.encode()

    with fair.client(bad) as client, fair.client(quiet) as other:
        assert counts(client.post(EVENTS, content=numbers(".0"))) == (20, 0, 0)
        with ThreadPoolExecutor(1) as beside:
            repeated = beside.submit(client.post, EVENTS, content=numbers("e0"))
            answers: Counter[int] = Counter()
            while not repeated.done():
                answers[other.post(EVENTS, content=body(login("meanwhile"))).status_code] += 1
            assert counts(repeated.result()) == (0, 20, 0)
            assert set(answers) <= {204}
        changed = numbers("e0").replace(b"19999e0", b"19999.5", 1)
        assert counts(client.post(EVENTS, content=changed)) == (0, 19, 1)
        # The same refused content is registered once, however it is spelled.
        assert counts(client.post(EVENTS, content=changed.replace(b"e0", b".0"))) == (0, 19, 1)
    with fair.client(fair.new_key("bad", "read")) as client:
        assert len(client.get("/api/v1/conflicts").json()["items"]) == 1


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise LookupError(pid)


def test_a_thousand_bombs_leave_no_more_than_100_mb(fair: Service) -> None:
    key = fair.new_key("bad")
    zeros = b"\0" * MIB
    packer = zstandard.ZstdCompressor().compressobj()
    bombs = [
        ("zstd", b"".join(packer.compress(zeros) for _ in range(1_024)) + packer.flush()),
        ("gzip", gzip.compress(zeros * 64)),
    ]
    assert all(len(bomb) < 100_000 for _, bomb in bombs)
    [worker] = fair.workers()

    def send(count: int) -> Counter[int]:
        answers: Counter[int] = Counter()
        with fair.client(key) as client:
            for number in range(count):
                encoding, bomb = bombs[number % 2]
                headers = {"content-encoding": encoding}
                answers[client.post(EVENTS, content=bomb, headers=headers).status_code] += 1
        return answers

    send(2)
    before = resident_bytes(worker)
    with ThreadPoolExecutor(8) as eight:
        assert sum(eight.map(send, [125] * 8), Counter()) == {413: 1_000}
    assert resident_bytes(worker) - before < 100_000_000


def test_a_target_over_16_kib_is_414_and_faults_are_named_up_to_a_hundred(fair: Service) -> None:
    with fair.client(fair.new_key("quiet", "read")) as client:
        longest = "/api/v1/players?a=" + "x" * (16_384 - len("/api/v1/players?a="))
        assert_problem(client.get(longest), "invalid-parameters")
        assert_problem(client.get(longest + "x"), "target-too-long")
        many = "&".join(f"a{number}=1" for number in range(1_000))
        problem = assert_problem(client.get(f"/api/v1/players?{many}"), "invalid-parameters")
        assert len(problem["errors"]) == 100
