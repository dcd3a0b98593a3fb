"""The secrets of webhooks: in files that only their owner reads, and never shown by mistake."""

from base64 import b64decode
from datetime import timedelta
from pathlib import Path

import pytest

from app.relay.secrets import Secret, SecretError, Secrets


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "webhooks")


def test_a_secret_is_long_random_and_for_its_owner_alone(secrets: Secrets, tmp_path: Path) -> None:
    made = secrets.begin("acme", "hook")
    assert made.startswith("whsec_")
    assert len(b64decode(made.removeprefix("whsec_"))) == 32
    assert made != secrets.begin("acme", "other")
    file = tmp_path / "webhooks" / "acme" / "hook"
    assert file.stat().st_mode & 0o777 == 0o600
    for folder in (file.parent, file.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    [read] = secrets.read("acme", "hook")
    assert read.text == made
    assert made not in repr(read)


def test_one_that_is_there_is_not_replaced(secrets: Secrets) -> None:
    made = secrets.begin("acme", "hook")
    with pytest.raises(SecretError, match="is there already"):
        secrets.begin("acme", "hook")
    assert [each.text for each in secrets.read("acme", "hook")] == [made]


def test_where_none_is_there_rotating_makes_the_first(secrets: Secrets) -> None:
    made = secrets.rotate("acme", "hook", overlap=timedelta(hours=1))
    assert secrets.read("acme", "hook") == [Secret(made)]


def test_rotated_ones_end_one_after_the_other(secrets: Secrets) -> None:
    first = secrets.begin("acme", "hook")
    second = secrets.rotate("acme", "hook", overlap=timedelta(hours=1))
    third = secrets.rotate("acme", "hook", overlap=timedelta(hours=2))
    found = secrets.read("acme", "hook")
    assert [each.text for each in found] == [third, second, first]
    assert found[0].until is None
    assert found[1].until is not None
    assert found[2].until is not None
    # The first ends when it was to end, and not later.
    assert found[1].until - found[2].until > timedelta(minutes=59)
    last = secrets.rotate("acme", "hook", overlap=timedelta(0))
    assert [each.text for each in secrets.read("acme", "hook")] == [last]


def test_what_ended_does_not_sign(secrets: Secrets, tmp_path: Path) -> None:
    made = secrets.begin("acme", "hook")
    file = tmp_path / "webhooks" / "acme" / "hook"
    file.write_text(f"{made}\nwhsec_b2xk until 2025-01-01T00:00:00Z\n")
    assert [each.text for each in secrets.read("acme", "hook")] == [made]
    file.write_text("whsec_b2xk until 2025-01-01T00:00:00Z\n")
    with pytest.raises(SecretError, match="holds no secret that signs at present"):
        secrets.read("acme", "hook")


@pytest.mark.parametrize("text", ["b2xk\n", "whsec_\n", "whsec_b2xk until tomorrow\n", "é\n"])
def test_a_file_that_is_none_is_named(secrets: Secrets, tmp_path: Path, text: str) -> None:
    secrets.begin("acme", "hook")
    file = tmp_path / "webhooks" / "acme" / "hook"
    file.write_text(text, "utf-8")
    with pytest.raises(SecretError, match="does not hold secrets of a webhook") as error:
        secrets.read("acme", "hook")
    assert str(file) in str(error.value)
    assert "b2xk" not in str(error.value)


def test_they_go_with_their_subscription_and_their_tenant(secrets: Secrets, tmp_path: Path) -> None:
    secrets.begin("acme", "hook")
    secrets.begin("acme", "other")
    secrets.begin("others", "hook")
    assert secrets.remove("acme", "hook")
    assert not secrets.remove("acme", "hook")
    with pytest.raises(SecretError, match="there is no secret"):
        secrets.read("acme", "hook")
    assert secrets.remove_all("acme") == [tmp_path / "webhooks" / "acme" / "other"]
    assert secrets.remove_all("acme") == []
    assert secrets.read("others", "hook")
