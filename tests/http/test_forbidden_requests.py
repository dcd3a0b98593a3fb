"""What HTTP itself forbids (RFC 9110, RFC 9112) is a client's fault, told as a problem and in its turn."""

import socket

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.http.forbidden import FINE, GET, HEADS, HOST, HOSTS, POST
from tests.http.service import Service, logged
from tests.http.wire import EVENTS, Wire, assert_problem, body, login

pytestmark = pytest.mark.xdist_group("watched")


def assert_refused(service: Service, sent: bytes, name: str = "bad-request") -> httpx.Response:
    """Fail unless it is refused, alone and behind others, with a line in the log; then it closes."""
    with Wire(service.address) as wire:
        wire.send(sent)
        (answer,) = wire.answers("GET")
    with Wire(service.address) as wire:
        wire.send(FINE + b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n" + sent)
        first, second, third = wire.answers("GET", "GET", "GET")
    assert first.status_code == 200
    assert_problem(second, "not-found")
    for each in (answer, third):
        assert_problem(each, name)
        assert each.headers["connection"] == "close"
        assert logged(service, each)["status"] == each.status_code
    return answer


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_bad_host_is_400(host: bytes, watched: Service) -> None:
    problem = assert_refused(watched, GET + b"host: " + host + b"\r\n\r\n").json()
    assert "Host" in problem["detail"]


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/nowhere", "/metrics", "/health/ready", "/schema", "/schema/openapi.json"),
        *(
            "/documentation/swagger-ui.css",
            "/api/v1/status",
            "/api/v1/players/p",
            "/api/v1/history",
        ),
    ],
)
def test_a_bad_host_is_400_on_every_path(target: str, watched: Service, writer: str) -> None:
    for key in ("", writer):
        with Wire(watched.address) as wire:
            head = f"GET {target} HTTP/1.1\r\nhost: x:65536\r\nx-api-key: {key}\r\n\r\n"
            wire.send(head.encode())
            (answer,) = wire.answers("GET")
        assert_problem(answer, "bad-request")


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_that_http_forbids_is_400(head: bytes, watched: Service) -> None:
    assert_refused(watched, head)


@pytest.mark.parametrize(
    "name", ["two lengths", "a raw byte in an id", "no Host", "an escape in the path", "TLS"]
)
def test_what_comes_byte_by_byte_is_refused_alike(name: str, watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HEADS[name]:
            wire.send(bytes([byte]))
        (answer,) = wire.answers("GET")
    assert_problem(answer, "bad-request")


def test_the_answer_reaches_a_client_that_goes_on_sending(watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(GET + b"content-length: 3000000\r\n\r\n")
        for _ in range(30):
            wire.send(b"x" * 100_000)
        (answer,) = wire.answers("GET")
    assert_problem(answer, "bad-request")


def test_a_clients_own_request_id_is_kept_where_it_could_be_read(watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(GET + b"x-request-id: mine-1\r\nhost: x:65536\r\n\r\n")
        (answer,) = wire.answers("GET")
    assert assert_problem(answer, "bad-request")["request_id"] == "mine-1"
    line = logged(watched, answer)
    assert (line["method"], line["path"]) == ("GET", "/health/live")


def test_the_log_shows_what_was_asked_and_can_command_no_terminal(watched: Service) -> None:
    for target, path in (
        (b"/a\x1b[31m", ""),  # which the parser never shows
        (b"/a?secret\xff", ""),
        (b"/a%1b?secret#b", "/a%1b"),
        (b"/a#b", "/a#b"),
        (b"/%zz", "/%zz"),
    ):
        with Wire(watched.address) as wire:
            wire.send(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST))
            (answer,) = wire.answers("GET")
        line = logged(watched, answer)
        assert line["path"] == path
        assert "tenant" not in line


def test_a_refused_head_request_has_no_body(watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(b"HEAD /health/live HTTP/1.1\r\n\r\n")
        head, _, rest = wire.rest().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert rest == b""


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"deflate,chunked", b"br , gzip\t, Chunked"])
def test_a_transfer_coding_that_is_not_understood_is_501(coding: bytes, watched: Service) -> None:
    sent = POST + b"transfer-encoding: " + coding + b"\r\n\r\n0\r\n\r\n"
    assert_refused(watched, sent, "not-implemented")


@pytest.mark.parametrize("version", [b" HTTP/2.0", b" HTTP/0.9", b""])
def test_a_version_that_is_not_spoken_is_505(version: bytes, watched: Service) -> None:
    sent = b"GET /health/live" + version + b"\r\n" + HOST + b"\r\n"
    assert_refused(watched, sent, "version-not-supported")


def test_connect_is_allowed_nowhere(watched: Service) -> None:
    for target in (b"x:80", b"[::1]:443", b"127.0.0.1:8000"):
        sent = b"CONNECT " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n" + FINE
        answer = assert_refused(watched, sent, "method-not-allowed")
        assert answer.headers["allow"] == ""


@pytest.mark.parametrize(
    "host",
    [
        *(b"x", b"x:80", b"x:", b"x:0", b"x:65535", b"x:00080", b"127.0.0.1:8000", b"localhost"),
        *(
            b"[::1]",
            b"[::1]:8000",
            b"[::ffff:1.2.3.4]",
            b"[v1.a:b]:1",
            b"a%41",
            b"a_b.c-d~",
            b"a,b",
        ),
        *(b" x", b"x \t", b"\tx:80 ", b"X.EXAMPLE."),
    ],
)
def test_a_good_host_is_taken(host: bytes, watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(GET + b"host:" + host + b"\r\nconnection: close\r\n\r\n")
        (answer,) = wire.answers("GET")
    assert answer.status_code == 200


LINES = st.binary(max_size=12).filter(lambda text: not {*b"\r\n"} & {*text})


@settings(max_examples=300)
@given(LINES | st.text("a:[]0%@.v-", max_size=12).map(str.encode))
@example(b"")
def test_no_host_is_a_fault_of_the_service(watched: Service, host: bytes) -> None:
    with Wire(watched.address) as wire:
        wire.send(b"GET /health/live HTTP/1.1\r\nhost: " + host + b"\r\nconnection: close\r\n\r\n")
        (answer,) = wire.answers("GET")
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        assert_problem(answer, "bad-request")


@settings(max_examples=300)
@given(LINES | st.text("/*?%:@[]{}|^a2F", max_size=12).map(str.encode))
@example(b"//a//b")
@example(b"http://x?q")
@example(b"/console")
def test_no_target_is_a_fault_of_the_service(watched: Service, target: bytes) -> None:
    with Wire(watched.address) as wire:
        wire.send(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        (answer,) = wire.answers("GET")
    if answer.status_code == 400:
        assert_problem(answer, "bad-request")
    elif answer.status_code == 404:
        assert_problem(answer, "not-found")
    elif answer.status_code == 303:
        assert answer.headers["location"].startswith("/console/login")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        *(b"/health/live", b"/health/live?a=%zz", b'/health/live?{"a":[1|2]}^`\\<b>'),
        *(b"http://x/health/live", b"HTTP://X:80/health/live?a", b"https://[::1]:1/health/live"),
    ],
)
def test_a_path_and_a_uri_lead_to_the_same(target: bytes, watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
        (answer,) = wire.answers("GET")
    assert answer.json() == {"status": "live"}


def test_an_id_may_hold_what_browsers_do_not_encode(watched: Service, writer: str) -> None:
    ids = ['a"b', "a|b", "[a]", "{a}", "a^b", "a`b", "a\\b", "<a>", "a//b", "http://x/y"]
    with watched.client(writer) as client:
        items = (login(f"raw-{each}", player_id=each) for each in ids)
        taken = client.post(EVENTS, content=body(*items))
    for prefix in ("", "http://roundbook"):
        for each in ids:
            with Wire(watched.address) as wire:
                wire.request(
                    f"GET {prefix}/api/v1/players/{each}?at_least={taken.headers['log-position']}",
                    {"x-api-key": writer},
                )
                assert wire.answer("GET").json()["player_id"] == each


def test_a_uri_without_a_path_leads_to_the_root(watched: Service) -> None:
    for target in (b"http://x", b"http://x/", b"http://x?q"):
        with Wire(watched.address) as wire:
            wire.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
            (answer,) = wire.answers("GET")
        assert logged(watched, answer)["path"] == "/"


def test_options_may_ask_about_the_server_as_a_whole(watched: Service) -> None:
    with Wire(watched.address) as wire:
        for target in ("*", "http://roundbook", "http://roundbook:80"):
            wire.request(f"OPTIONS {target}", {})
            answer = wire.answer("OPTIONS")
            assert answer.status_code == 204
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
            assert logged(watched, answer)["path"] == "*"


def test_spaces_around_a_value_are_no_part_of_it(watched: Service, writer: str) -> None:
    with Wire(watched.address) as wire:
        wire.request("GET /api/v1/status", {"x-api-key": f"\t {writer} \t", "accept": " */*  "})
        assert wire.answer("GET").status_code == 200


@pytest.mark.parametrize("spread", [1, 10, 100])
def test_a_head_has_a_limit_however_it_is_cut(spread: int, watched: Service) -> None:
    for size, status in ((60_000, 200), (70_000, 431)):
        lines = b"".join(
            b"x-%06d: %b\r\n" % (n, b"y" * (size // spread - 12)) for n in range(spread)
        )
        head = GET + HOST + b"connection: close\r\n" + lines + b"\r\n"
        for pieces in (1, 7):
            with Wire(watched.address) as wire:
                step = len(head) // pieces + 1
                for start in range(0, len(head), step):
                    wire.send(head[start : start + step])
                (answer,) = wire.answers("GET")
            assert answer.status_code == status
            assert logged(watched, answer)["status"] == status
    assert_problem(answer, "head-too-large")


@pytest.mark.parametrize(
    "endless",
    [
        GET + HOST + b"a: ",
        GET + HOST + b"a",
        b"GET /",
        b"GET /?",
    ],
)
def test_a_line_without_end_is_refused(endless: bytes, watched: Service) -> None:
    with Wire(watched.address) as wire:
        wire.send(endless)
        for _ in range(100):
            wire.send(b"a" * 10_000)
        (answer,) = wire.answers("GET")
    assert_problem(answer, "head-too-large")


def test_empty_lines_without_end_are_refused(watched: Service) -> None:
    with Wire(watched.address) as wire:
        for _ in range(100):
            wire.send(b"\r\n" * 5_000)
        (answer,) = wire.answers("GET")
    assert_problem(answer, "head-too-large")


def test_a_large_body_before_a_head_is_no_part_of_it(watched: Service, writer: str) -> None:
    sent = body(login("large", note="x" * 200_000))
    with Wire(watched.address) as wire:
        wire.request(
            f"POST {EVENTS}",
            {
                "x-api-key": writer,
                "content-type": "application/json",
                "content-length": str(len(sent)),
            },
        )
        wire.send(sent + FINE[:-2])
        assert wire.answer().status_code == 204
        wire.send(b"\r\n")
        assert wire.answer("GET").status_code == 200
