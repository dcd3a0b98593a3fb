"""Traffic made up, sent and written; a log read back."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, environment, on, roundbook
from tests.http.wire import EVENTS, body, counts, deposit, item, login

SMALL = ("--events", "2500", "--players", "20", "--games", "5")
A_WEEK = ("--from", "2026-11-15T17:30:00Z", "--to", "2026-11-22T18:30:00+01:00")
AGAIN = re.compile(r"^The same items again: (roundbook simulate .+)$", re.MULTILINE)


def totals(said: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"(\d+) stored, (\d+) duplicate, (\d+) conflict; \d+ events/s\n", said)
    assert found, said
    stored, duplicate, conflict = map(int, found.groups())
    return stored, duplicate, conflict


def test_what_was_simulated_and_sent_is_duplicates_when_it_is_sent_again(
    run: Run, service: Service
) -> None:
    run("tenant", "create", "simulated")
    sending = ("simulate", "simulated", *SMALL, *A_WEEK, "--url", service.url)
    assert totals(run(*sending)) == (2_486, 12, 2)
    assert totals(run(*sending, "--batch", "600")) == (0, 2_498, 2)
    assert totals(run(*sending, "--seed", "2")) == (2_486, 12, 2)
    states = [line.split("\t")[1] for line in run("key", "list", "simulated").splitlines()]
    assert states == ["revoked"] * 3  # each made a key for the time


def test_a_simulation_uses_the_key_it_is_given(run: Run, service: Service) -> None:
    run("tenant", "create", "keyed")
    key = run("key", "create", "keyed", "--scope", "ingest").strip()
    sending = ("simulate", "keyed", "--events", "100", "--url", service.url, "--key", key)
    assert totals(run(*sending, "--rate", "1000")) == (100, 0, 0)
    assert len(run("key", "list", "keyed").splitlines()) == 1


def test_the_same_seed_writes_the_same_bytes_which_a_service_takes(
    run: Run, service: Service, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("one", "same", "other")]
    for file, seed in zip(files, ("7", "7", "8"), strict=True):
        said = run("simulate", "nobody", *SMALL, *A_WEEK, "--seed", seed, "--output", str(file))
        assert said == ""
    one, same, other = (file.read_bytes() for file in files)
    assert one == same
    assert one != other
    run("tenant", "create", "from-file")
    key = run("key", "create", "from-file", "--scope", "ingest").strip()
    with service.client(key) as client:
        taken = [sum(counts(client.post(EVENTS, content=line))) for line in one.splitlines()]
    assert taken == [1_000, 1_000, 500]


def test_a_simulation_ends_now_and_says_how_to_make_it_again(
    served: Database, tmp_path: Path
) -> None:
    one, same = tmp_path / "one", tmp_path / "same"
    shares = ("--late", "0.2", "--repeated", "0.3", "--conflicting", "0.1")
    began = datetime.now(UTC)
    told = roundbook(
        *("simulate", "nobody", *SMALL, *shares, "--output", str(one)), settings=on(served)
    )
    ended = datetime.now(UTC)
    assert told.stdout == ""
    found = AGAIN.search(told.stderr)
    assert found
    program, *words = shlex.split(found[1])
    assert program == "roundbook"
    assert AGAIN.findall(roundbook(*words, "--output", str(same), settings=on(served)).stderr) == [
        found[1]
    ]
    assert one.read_bytes() == same.read_bytes()

    end = datetime.fromisoformat(words[words.index("--to") + 1])
    assert began <= end <= ended
    start = datetime.fromisoformat(words[words.index("--from") + 1])
    assert end - start == timedelta(days=7)
    times = [
        datetime.fromisoformat(time).replace(tzinfo=UTC)
        for time in re.findall(r'"timestamp":"([^"+]+)Z"', one.read_text())
    ]
    assert start - timedelta(seconds=1) < min(times) < start + timedelta(days=1)
    assert end - timedelta(days=1) < max(times) < end


def test_two_simulations_of_today_are_two(run: Run, service: Service) -> None:
    """That only the seed was in unique_ids made conflicts of a second one, whose times were others."""
    run("tenant", "create", "twice")
    sending = ("simulate", "twice", *SMALL, "--url", service.url)
    for _ in range(2):
        assert totals(run(*sending)) == (2_486, 12, 2)


def test_a_simulation_on_stdout_is_nothing_but_bodies(run: Run) -> None:
    lines = run("simulate", "nobody", "--events", "25", "--batch", "10", "--output", "-").split(
        "\n"
    )
    assert [len(json.loads(line)["items"]) for line in lines[:-1]] == [10, 10, 5]


@pytest.fixture(scope="module")
def replayed(service: Service) -> str:
    """A tenant with a small log."""
    service.new_tenant("replayed")
    with service.client(service.new_key("replayed")) as client:
        sent = body(
            login("a", player_id="p/1"),
            item("game", "b", game_id="g", name="ü\u2028"),
            deposit("c", player_id="p/1", timestamp="2025-01-15T13:00:00+01:00", amount=1.50),
            deposit("d", player_id="other", timestamp="2025-01-16T00:00:00Z"),
        ).replace(b'"amount": 1.5', b'"amount": 1.500000000000000000')
        assert counts(client.post(EVENTS, content=sent)) == (4, 0, 0)
    return "replayed"


def test_a_replay_is_the_log_as_lines_with_data_digit_for_digit(run: Run, replayed: str) -> None:
    lines = run("replay", replayed).split("\n")
    assert lines.pop() == ""
    entries = [json.loads(line) for line in lines]
    assert [entry["position"] for entry in entries] == [1, 2, 3, 4]
    assert [entry["type"] for entry in entries] == [
        *("LoggedIn", "GameUpdated", "Deposited", "Deposited"),
    ]
    assert [entry["stream"] for entry in entries] == [
        *("player:p/1", "game:g", "player:p/1", "player:other"),
    ]
    assert [entry["version"] for entry in entries] == [1, 1, 2, 1]
    assert set(entries[0]) >= {
        *("position", "stream", "version", "event", "type", "recorded_at", "data"),
    }
    assert '"amount": 1.500000000000000000' in lines[2]


@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        (["--player", "p/1"], [1, 3]),
        (["--game", "g"], [2]),
        (["--player", "nobody"], []),
        (["--event", "deposit"], [3, 4]),
        (["--from-position", "2", "--to-position", "3"], [2, 3]),
        (["--from", "2025-01-15T12:00:01Z"], [4]),
        (["--to", "2025-01-16T00:00:00Z"], [1, 2, 3]),
        (["--from-position", "5"], []),
    ],
)
def test_a_replay_can_be_narrowed(
    run: Run, replayed: str, filters: list[str], positions: list[int]
) -> None:
    found = [
        json.loads(line)["position"] for line in run("replay", replayed, *filters).splitlines()
    ]
    assert found == positions


def test_a_replay_that_nobody_reads_to_the_end_ends_quietly(
    run: Run, service: Service, served: Database
) -> None:
    run("tenant", "create", "piped")
    run("simulate", "piped", "--events", "5000", "--url", service.url)
    replaying = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "replay", "piped"],
        env=environment(on(served)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert replaying.stdout is not None
    assert replaying.stderr is not None
    assert json.loads(replaying.stdout.readline())["position"] == 1
    replaying.stdout.close()
    said = replaying.stderr.read().decode()
    replaying.stderr.close()
    replaying.wait()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
