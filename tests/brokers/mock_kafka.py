"""A Kafka cluster that the tests start as a process: `python -m tests.brokers.mock_kafka FILE`.

It is librdkafka's own mock, which speaks the protocol of Kafka from memory. FILE gets the addresses of its
brokers. A topic is there as soon as it is asked for, with four partitions. It lives until it is killed.
"""

import signal
import sys
from pathlib import Path

from confluent_kafka import Producer

_BROKERS = "3"
_PATIENCE_S = 60


def main() -> None:
    cluster = Producer({"test.mock.num.brokers": _BROKERS})
    brokers = cluster.list_topics(timeout=_PATIENCE_S).brokers.values()
    path = Path(sys.argv[1])
    begun = path.with_suffix(".begun")
    begun.write_text(",".join(f"{broker.host}:{broker.port}" for broker in brokers))
    begun.replace(path)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
