"""What somebody can try with cookies and forms, and what is told of a key: nothing, anywhere."""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from cryptography.fernet import Fernet

from api.console.sessions import COOKIE, WORKING_DAY_S, Sessions
from app.tenants import SCOPES, Scope
from tests.console.conftest import TENANT
from tests.console.pages import PAGES
from tests.console.visiting import client_of, enter, token_of
from tests.databases import Database, new_database
from tests.http.service import Service, on, starting

SECRET = "a secret that is long enough for everybody"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services of a test's own, which end with it."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def stranger(service: Service) -> Iterator[httpx.Client]:
    with client_of(service) as client:
        yield client


@pytest.fixture
def inside(stranger: httpx.Client, key: str) -> httpx.Client:
    """Somebody who is logged in."""
    assert enter(stranger, key).status_code == 303
    return stranger


def is_login(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/console/login?")


def test_the_cookie_is_for_the_console_alone_and_out_of_reach_of_scripts(
    stranger: httpx.Client, key: str
) -> None:
    answer = enter(stranger, key)
    (cookie,) = answer.headers.get_list("set-cookie")
    value, *flags = cookie.split("; ")
    assert value.startswith(COOKIE + "=")
    assert {flag.lower() for flag in flags} == {
        "httponly",
        "samesite=strict",
        "path=/console",
        f"max-age={WORKING_DAY_S}",
    }


def test_cookies_that_come_by_https_go_by_https_alone(service: Service, key: str) -> None:
    with client_of(service, headers={"x-forwarded-proto": "https"}) as client:
        page = client.get("/console/login")
        cookies = page.headers.get_list("set-cookie")
        form = {"_csrf_token": token_of(page), "key": key}
        cookies += client.post(
            "/console/login",
            data=form,
            headers={"cookie": f"roundbook_csrf={form['_csrf_token']}"},
        ).headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all(cookie.endswith("; Secure") for cookie in cookies)


def test_a_session_is_written_at_the_login_and_never_again(inside: httpx.Client) -> None:
    """An answer that is on its way while somebody logs out must not bring the session back."""
    assert "set-cookie" not in inside.get("/console").headers
    assert "set-cookie" not in inside.get("/console/api/v1/status").headers


def test_a_session_that_was_ended_is_gone(inside: httpx.Client) -> None:
    out = inside.post("/console/logout", data={"_csrf_token": token_of(inside.get("/console"))})
    assert (out.status_code, out.headers["location"]) == (303, "/console/login?reason=out")
    assert COOKIE not in inside.cookies
    assert is_login(inside.get("/console"))


@pytest.mark.parametrize(
    "forge",
    [
        lambda _: "",
        lambda _: "null",
        lambda _: "rb_key",
        lambda _: "\u00e9".encode().decode("latin-1"),
        lambda _: "a" * 3_000,
        lambda cookie: cookie[:-8],
        lambda cookie: cookie[:40] + ("A" if cookie[40] != "A" else "B") + cookie[41:],
        lambda _: Fernet(Fernet.generate_key()).encrypt(b"rb_key").decode(),
        lambda _: base64.urlsafe_b64encode(b"\x80" + bytes(72)).decode(),
        lambda _: Sessions("another secret, which is long enough").begin("rb_key").value,
    ],
)
def test_a_cookie_that_is_not_of_this_service_is_nobodys(
    inside: httpx.Client, service: Service, forge: Callable[[str], str]
) -> None:
    forged = f"{COOKIE}={forge(inside.cookies[COOKIE])}".encode("latin-1")
    with client_of(service) as forger:
        page = forger.get("/console", headers={b"cookie": forged})
        assert is_login(page)
        assert "reason=ended" in page.headers["location"]
        asked = forger.get("/console/api/v1/status", headers={b"cookie": forged})
        assert asked.status_code == 403


def test_a_session_ends_after_a_working_day(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Sessions(SECRET)
    cookie = ours.begin("rb_key")

    class Request:
        cookies: ClassVar = {COOKIE: cookie.value}

    begun_s = time.time()
    monkeypatch.setattr(time, "time", lambda: begun_s + WORKING_DAY_S - 60)
    found = ours.read(Request())  # type: ignore[arg-type]
    assert found is not None
    assert found.key == "rb_key"
    assert abs(found.began_at.timestamp() - begun_s) < 60
    monkeypatch.setattr(time, "time", lambda: begun_s + WORKING_DAY_S + 60)
    assert ours.read(Request()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/console/login", "/console/logout"])
@pytest.mark.parametrize("token", [None, "", "x", "a" * 128, "\u00e9" * 128])
def test_a_form_without_the_token_of_a_page_does_nothing(
    inside: httpx.Client, key: str, path: str, token: str | None
) -> None:
    form = {"key": key, **({} if token is None else {"_csrf_token": token})}
    answer = inside.post(path, data=form)
    assert answer.status_code == 403
    assert "This was not sent by a form of the console" in answer.text
    assert "set-cookie" not in answer.headers
    assert inside.get("/console").status_code == 200


def test_a_form_with_a_file_for_a_token_does_nothing(inside: httpx.Client) -> None:
    answer = inside.post("/console/logout", files={"_csrf_token": b"x"})
    assert answer.status_code == 403


def test_a_token_of_another_cookie_is_none(inside: httpx.Client, service: Service) -> None:
    with client_of(service) as other:
        token = token_of(other.get("/console/login"))
    assert inside.post("/console/logout", data={"_csrf_token": token}).status_code == 403


def test_a_form_on_a_page_of_another_site_does_nothing(service: Service, key: str) -> None:
    """A browser sends none of the cookies with it: they are strict."""
    with client_of(service) as client:
        token = token_of(client.get("/console/login"))
        client.cookies.clear()
        answer = client.post(
            "/console/login",
            data={"_csrf_token": token, "key": key},
            headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        )
        assert answer.status_code == 403
        assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/console",
        "/\\evil.example",
        "/api/v1/events",
        "/consoles",
        "/console/login?next=/console/login",
        "/console/login/",
        "/console/logout",
        "/console/../api/v1/key",
        "/console/log/../../api/v1/key",
        "/console/%2e%2e/api/v1/key",
        "/console/.%2E/api",
        "/console/..\\api/v1/key",
        "/console/\\evil.example",
        "/console//evil.example",
        "/console/api/v1/events",
        "/console\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "/console\u2028",
        "",
    ],
)
def test_the_login_leads_nowhere_but_to_the_console(
    stranger: httpx.Client, key: str, elsewhere: str
) -> None:
    answer = enter(stranger, key, next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    again = stranger.get("/console/login", params={"next": elsewhere})
    assert again.headers["location"] == "/console"


@pytest.mark.parametrize(
    "page",
    [
        "/console/",
        "/console/log/event?position=1",
        "/console/reports/open-rounds",
        "/console/players/player?id=..%2F%5C&as_of=2025-01-15T12:00:00%2B01:00#timeline",
    ],
)
def test_the_login_leads_to_any_page_of_the_console(
    stranger: httpx.Client, key: str, page: str
) -> None:
    assert enter(stranger, key, next=page).headers["location"] == page


@pytest.mark.parametrize("key", ["rb_unknown", "\u00e9", "a b", "a\r\nx-api-key: b", "k" * 5_000])
def test_what_is_no_key_is_refused(stranger: httpx.Client, key: str) -> None:
    answer = enter(stranger, key)
    assert answer.status_code == 403
    assert "This key is unknown, expired or revoked." in answer.text
    assert COOKIE not in stranger.cookies
    missing = enter(stranger, "")
    assert missing.status_code == 422
    assert "Enter a key." in missing.text


def test_a_key_without_a_scope_for_a_page_is_told_so(service: Service) -> None:
    with client_of(service) as client:
        assert enter(client, service.new_key(TENANT, "ingest")).status_code == 303
        answer = client.get("/console")
    assert answer.status_code == 403
    assert "does not have the scope" in answer.text
    assert "Log in with a key that allows it." in answer.text


@pytest.mark.parametrize("scope", ["read", "audit", "operate"])
def test_no_page_is_shown_to_a_key_without_its_scope(service: Service, scope: Scope) -> None:
    others = [each for each in SCOPES if each != scope]
    of_scope = [page.path for page in PAGES if page.scope == scope and page.path != "/console"]
    with client_of(service) as client:
        assert enter(client, service.new_key(TENANT, *others)).status_code == 303
        assert {path: client.get(path).status_code for path in of_scope} == dict.fromkeys(
            of_scope, 403
        )


def test_the_key_is_in_no_page_address_header_or_line_of_the_log(
    service: Service, inside: httpx.Client, key: str
) -> None:
    answers = [
        inside.get("/console"),
        inside.get("/console/nothing"),
        inside.get("/console/api/v1/key"),
        inside.get("/console/csv/v1/players"),
        inside.get("/console/csv/v1/nothing"),
        enter(inside, key),
        enter(inside, key + "x"),
    ]
    for answer in answers:
        assert key not in str(answer.request.url)
        assert key not in answer.text
        assert key not in str(answer.headers)
    assert key not in service.log()


def test_wrong_keys_are_counted_together_with_those_of_the_api(
    admin_url: str, template: Database, start: Callable[..., Service]
) -> None:
    """A hundred may be wrong at once, and then ten a second, by whichever way they come."""
    wrong = 65
    with new_database(admin_url, template=template) as database:
        service = start(settings=on(database))
        with client_of(service) as client, service.client() as api:
            token = token_of(client.get("/console/login"))
            begun_s = time.monotonic()
            for number in range(wrong):
                form = {"_csrf_token": token, "key": f"rb_console{number}"}
                assert client.post("/console/login", data=form).status_code == 403
                headers = {"x-api-key": f"rb_api{number}"}
                assert api.get("/api/v1/status", headers=headers).status_code == 403
            assert time.monotonic() - begun_s > (2 * wrong - 101) / 10
        service.stop()


def test_who_is_logged_in_to_one_worker_is_to_all_and_after_a_restart_with_the_secret(
    admin_url: str, template: Database, start: Callable[..., Service]
) -> None:
    with new_database(admin_url, template=template) as database:
        lasting = on(database) | {"ROUNDBOOK_CONSOLE_SECRET": SECRET}
        cookies = None
        for settings in (lasting, lasting, on(database), on(database)):
            service = start("--workers", "2", settings=settings)
            if cookies is None:
                service.new_tenant(TENANT)
                key = service.new_key(TENANT, "read")
            stays = settings is lasting and cookies is not None
            with client_of(service) as client:
                if cookies is not None:
                    client.cookies = cookies
                    assert is_login(client.get("/console")) is not stays
                if not stays:  # tokens of before the restart are followed by others
                    assert enter(client, key).status_code == 303
                cookies = client.cookies
            for _ in range(8):
                with client_of(service) as another:
                    another.cookies = cookies
                    assert another.get("/console").status_code == 200
            service.stop()
