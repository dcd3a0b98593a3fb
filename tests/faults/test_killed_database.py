"""The database is killed, and comes back, while clients send."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.places import embedded_url, kill_postgres, open_account
from tests.faults.sending import Load, traffic
from tests.http.service import Service, eventually
from tests.processes import runs


def test_a_database_that_is_killed_under_load_comes_back_and_nothing_is_lost_or_doubled(
    start: Callable[..., Service], folder: Path
) -> None:
    service = start("--workers", "2", data_dir=str(folder / "data"), lock_timeout_s="2")
    account = open_account(embedded_url(folder / "data"), "acme")
    with Load() as load:
        for seed in range(4):
            load.add(service.url, account.key, traffic(seed))
        for _ in range(2):
            load.goes_on(20)
            killed = kill_postgres(folder / "data")
            eventually(lambda: not runs(killed))  # noqa: B023 (called at once)
            load.goes_on(20)
    assert service.log().count("ended with status -9 and was started again") == 2
    account.check(service, load.ledger)
