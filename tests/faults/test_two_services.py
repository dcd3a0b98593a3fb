"""Two services on one database."""

from collections.abc import Callable

from tests.databases import Database
from tests.faults.places import Account
from tests.faults.sending import Load, traffic
from tests.http.service import Service


def test_two_services_that_get_the_same_batches_at_once_record_each_event_once(
    start: Callable[..., Service], shared: Database, account: Account
) -> None:
    settings = {"database_url": shared.service_url, "owner_url": shared.owner_url}
    services = [start(**settings), start(**settings)]
    with Load() as load:
        for service in services:
            for seed in range(3):
                load.add(service.url, account.key, traffic(seed), pause_s=0.001)
        load.goes_on(200)
    assert {told.outcome for told in load.ledger.told} == {"stored", "duplicate", "conflict"}
    for service in services:
        account.check(service, load.ledger)
