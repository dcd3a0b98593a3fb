"""What consuming is refused for, what it waits for, and what it is told of a broker."""

from pathlib import Path

import httpx
import pytest

from app.brokers.kafka import properties
from app.brokers.reaching import Broker, BrokerError, url_of
from app.limits.limits import Limit, set_limit
from app.settings import Settings, SettingsError, read_settings
from app.tenants import find_tenant
from postgres.connections import connect
from tests.brokers.conftest import Consuming
from tests.brokers.places import Sent, Stream
from tests.brokers.servers import Nats
from tests.brokers.test_consuming import gone, head
from tests.brokers.test_killed import messages
from tests.databases import Database
from tests.http.service import Service, eventually, roundbook

pytestmark = pytest.mark.xdist_group("nats")


@pytest.fixture
def stream(nats_server: Nats) -> Stream:
    return Stream(nats_server)


def test_what_is_over_the_rate_limit_waits(
    stream: Stream, client: httpx.Client, served: Database, tenant: str, consuming: Consuming
) -> None:
    with connect(served.service_url) as connection:
        found = find_tenant(connection, tenant)
        set_limit(connection, found.tenant_id, Limit(0, None, 3, None, 1))
    stream.publish(messages(0, 30))
    running = consuming(stream, "--batch", "10")
    eventually(lambda: head(client) >= 30 or gone(running))
    running.stop()
    assert "waiting for the tenant's rate limit" in running.log()
    assert stream.waiting() == 0


def test_a_tenant_that_is_closed_ends_it_and_nothing_is_acknowledged(
    stream: Stream, client: httpx.Client, service: Service, tenant: str, consuming: Consuming
) -> None:
    stream.publish(messages(0, 10))
    running = consuming(stream)
    eventually(lambda: head(client) >= 10 or gone(running))
    # What is recorded and not acknowledged yet would come again.
    eventually(lambda: stream.waiting() == 0)
    roundbook("tenant", "close", tenant, "--reason", "a test", settings=service.settings)
    stream.publish(messages(10, 10))
    status, _ = running.ended()
    assert (status, f"tenant '{tenant}' is closed" in running.log()) == (1, True), running.log()
    eventually(lambda: stream.waiting() == 10)


def test_what_is_not_there_or_not_as_it_must_be_is_named(
    stream: Stream, tenant: str, consuming: Consuming
) -> None:
    name = stream.name
    stream.publish([Sent(b"{}")])
    stream.add_consumer("few", max_deliver=3)
    cases = {
        "it must deliver a message as often as it takes": ["--durable", "few"],
        f"dead letters would come back: their subject '{name}'": ["--dead-letters", name],
    }
    for says, options in cases.items():
        status, _ = (running := consuming(stream, *options)).ended()
        assert (status, says in running.log()) == (1, True), running.log()
    stream.name = "elsewhere"
    status, _ = (running := consuming(stream)).ended()
    assert (status, "there is no stream 'elsewhere'" in running.log()) == (1, True), running.log()
    assert "for-tests-only" not in running.log()


def test_properties_of_kafka_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "kafka"
    settings = Settings(broker_url="kafka://a:1,b:2/", broker_file=str(file))
    with pytest.raises(BrokerError, match="can't be read"):
        properties(settings)
    file.write_text("# TLS\n\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n")
    assert properties(settings) == {
        "bootstrap.servers": "a:1,b:2",
        "client.id": "roundbook",
        "security.protocol": "SASL_SSL",
        "sasl.password": "a=b",
    }
    file.write_text("acks=all\nsecret\n")
    with pytest.raises(BrokerError, match=r"kafka:2: is not name=value$"):
        properties(settings)


def test_a_url_is_of_its_broker_and_a_wrong_one_is_not_shown() -> None:
    assert url_of(Settings(broker_url="tls://host"), "nats") == "tls://host"
    with pytest.raises(SettingsError, match="is of another broker; for rabbitmq"):
        url_of(Settings(broker_url="tls://secret@host"), "rabbitmq")
    with pytest.raises(SettingsError, match="is not set"):
        url_of(Settings(), "kafka")
    for wrong in ("http://secret@host", "amqp://", "secret"):
        with pytest.raises(SettingsError, match=r"^ROUNDBOOK_BROKER_URL: must be") as error:
            read_settings({"ROUNDBOOK_BROKER_URL": wrong})
        assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "nats://user:sec/ret@host:4222",
        "nats://user:12/secret@host:4222",
        "nats://user:secret@host:99999",
        "nats://user:se,cret@host",
        "amqp://user:secret@host:99999",
        "amqp://user:sec?ret@host",
        "amqps://user:secret@[::1/",
    ],
)
def test_a_url_whose_host_or_port_cannot_be_read_says_so_without_its_password(url: str) -> None:
    broker: Broker = "nats" if url.startswith("nats") else "rabbitmq"
    with pytest.raises(SettingsError, match="percent-encode") as error:
        url_of(Settings(broker_url=url), broker)
    assert "ret" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_url_that_is_encoded_is_taken() -> None:
    for url in ("nats://u:a%2Fb%40@h:4222,nats://h2", "tls://h", "nats://[::1]:4222"):
        assert url_of(Settings(broker_url=url), "nats") == url
    url = "amqps://u:a%2Fb@h:5671/%2Fv?cafile=/etc/ca.pem"
    assert url_of(Settings(broker_url=url), "rabbitmq") == url


def test_a_tenant_with_a_dot_needs_a_name_for_its_consumer(stream: Stream) -> None:
    settings = {"ROUNDBOOK_BROKER_URL": stream.server.url}
    ended = roundbook("consume", "nats", "a.b", stream.name, settings=settings, check=False)
    assert (ended.returncode, "say --durable" in ended.stderr) == (2, True)
