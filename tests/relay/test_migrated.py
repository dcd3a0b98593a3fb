"""What the version before subscriptions left can be subscribed to, from its first event on."""

from api.schema import SCHEMA
from app.relay.reading import read_piece
from app.relay.subscriptions import add_subscription, list_subscriptions
from app.tenants import find_tenant
from postgres.connections import connect
from postgres.migrate import applied_steps, migrate
from tests.databases import new_database
from tests.upgrades.dumping import ITEMS, TENANT
from tests.upgrades.test_released import RELEASED, load

_BEFORE = 19


def test_a_log_of_before_is_relayed_whole(admin_url: str) -> None:
    (dump,) = [each for each in RELEASED if int(each.stem) == _BEFORE]
    with new_database(admin_url, empty=True) as database:
        load(dump, database)
        with connect(database.owner_url) as owner:
            assert max(applied_steps(owner)) == _BEFORE
        migrate(SCHEMA, database.owner_url, database.service_url)
        with connect(database.service_url) as service:
            tenant = find_tenant(service, TENANT)
            assert list_subscriptions(service, tenant) == []
            assert add_subscription(service, tenant, "new", "nats", "a") > len(ITEMS)
            assert add_subscription(service, tenant, "whole", "nats", "a", first=1) == 1
            [new, whole] = list_subscriptions(service, tenant)
            assert (new.lag, whole.lag) == (0, whole.head)
            piece = read_piece(service, tenant.tenant_id, tenant.name, whole.events, whole.position)
        assert [each.position for each in piece.messages] == list(range(1, whole.head + 1))
        assert (piece.until, piece.has_more) == (whole.head, False)
