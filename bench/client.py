"""The load client, a process of its own: sends prepared requests, and does little else meanwhile.

It reads orders from stdin and writes what came of them to stdout, both as lines of JSON.
"""

import gc
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from itertools import islice

import msgspec

from bench import workload
from bench.orders import Load, Order

_STUCK_S = 60
_MOST_REQUESTS_PER_S = 15_000
_END_OF_HEAD = b"\r\n\r\n"
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class ServiceError(Exception):
    """The service did not take a batch as new."""


class _Connection:
    """One keep-alive connection that sends one request after the other."""

    def __init__(self, order: Order) -> None:
        self._expected = f"events-stored: {order.batch}\r\n".encode()
        self._unsent = memoryview(b"")
        self._head = b""
        self.began_at = 0.0
        self.socket = socket.create_connection((order.host, order.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)

    def begin(self, request: bytes) -> bool:
        """Begin a request; tell whether it is sent already."""
        self.began_at = time.perf_counter()
        self._unsent = memoryview(request)
        self._head = b""
        return self.go_on()

    def go_on(self) -> bool:
        """Send as much as goes without waiting; tell whether that was all."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        return True

    def answered(self) -> bool:
        """Read; tell whether the answer is here. Raises ServiceError unless the whole batch was stored."""
        received = self.socket.recv(65_536)
        self._head += received
        if received and not self._head.endswith(_END_OF_HEAD):
            return False
        if not self._head.startswith(b"HTTP/1.1 204 ") or self._expected not in self._head.lower():
            raise ServiceError(self._head.decode(errors="replace"))
        return True


class Client:
    """Carries out orders."""

    def __init__(self, events: int) -> None:
        self._items = workload.first_items(events)
        self._long_run = workload.long_run()

    def carry_out(self, order: Order) -> Load:
        if order.long_run_batches:
            found: Sequence[bytes] = list(islice(self._long_run, order.long_run_batches))
        else:
            most = int(order.seconds * _MOST_REQUESTS_PER_S)
            found = workload.bodies(self._items, order.batch, most)
        requests = [_request(order, body) for body in found]
        gc.collect()
        gc.disable()
        try:
            return _Sending(order, requests).run()
        finally:
            gc.enable()


def _request(order: Order, body: bytes) -> bytes:
    head = (
        "POST /api/v1/events HTTP/1.1\r\n"
        f"host: {order.host}:{order.port}\r\n"
        f"x-api-key: {order.key}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Sending:
    """Keeps all connections busy until time or requests are over, then awaits what is under way."""

    def __init__(self, order: Order, requests: Sequence[bytes]) -> None:
        self._order = order
        self._requests = iter(requests)
        self._connections = [_Connection(order) for _ in range(order.connections)]
        self._poll = selectors.DefaultSelector()
        self._deadline = 0.0
        self._answers: list[float] = []

    def run(self) -> Load:
        cpu_before = time.process_time()
        started = time.perf_counter()
        self._deadline = started + self._order.seconds
        for connection in self._connections:
            self._poll.register(connection.socket, _READ, connection)
            self._begin_next(connection)
        while self._poll.get_map():
            self._wait()
        elapsed_s = time.perf_counter() - started
        cpu_s = time.process_time() - cpu_before
        for connection in self._connections:
            connection.socket.close()
        return Load(len(self._answers) * self._order.batch, elapsed_s, self._answers, cpu_s)

    def _wait(self) -> None:
        ready = self._poll.select(_STUCK_S)
        if not ready:
            raise ServiceError(f"no answer within {_STUCK_S} s")
        for key, happened in ready:
            connection: _Connection = key.data
            if happened & _WRITE and connection.go_on():
                self._poll.modify(connection.socket, _READ, connection)
            if happened & _READ and connection.answered():
                self._answers.append(time.perf_counter() - connection.began_at)
                self._begin_next(connection)

    def _begin_next(self, connection: _Connection) -> None:
        """Begin another request on a connection that has none, or leave it."""
        request = next(self._requests, None) if time.perf_counter() < self._deadline else None
        if request is None:
            self._poll.unregister(connection.socket)
        elif not connection.begin(request):
            self._poll.modify(connection.socket, _READ | _WRITE, connection)


def main() -> None:
    """Carry out orders until stdin ends; the only argument is how many items the cells share."""
    client = Client(int(sys.argv[1]))
    for line in sys.stdin.buffer:
        load = client.carry_out(msgspec.json.decode(line, type=Order))
        sys.stdout.buffer.write(msgspec.json.encode(load) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
