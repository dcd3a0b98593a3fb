"""Clients that send each batch again until it is acknowledged, and a ledger of what they were told."""

import itertools
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple, Self

import httpx
import msgspec

from app.simulation import Scenario, simulate

EVENTS = "/api/v1/events"
PATIENCE_S = 90.0

_BETWEEN_TRIES_S = 0.1
_PLAYERS, _GAMES = 40, 10


class Item(NamedTuple):
    """A wire item, its data as the very text that is sent."""

    event: str
    data: str

    @property
    def unique_id(self) -> str:
        return str(msgspec.json.decode(self.data)["unique_id"])


class Told(NamedTuple):
    """What the service said of an item in a receipt."""

    item: Item
    outcome: str
    position: int


def body_of(items: Sequence[Item]) -> bytes:
    """Write a request body."""
    texts = (f'{{"event":"{item.event}","data":{item.data}}}' for item in items)
    return f'{{"items":[{",".join(texts)}]}}'.encode()


def items_of(seed: int) -> Iterator[Item]:
    """Give simulated items without end; those of different seeds share players and games only."""
    for text in simulate(Scenario(players=_PLAYERS, games=_GAMES, seed=seed), 1_000_000_000):
        event, _, data = text.removeprefix('{"event":"').partition('","data":')
        yield Item(event, data.removesuffix("}"))


def traffic(
    seed: int, sizes: Sequence[int] = (1, 1, 5, 40, 150), *, padding: int = 0
) -> Iterator[list[Item]]:
    """Give batches without end, some of whose items repeat or contradict earlier ones.

    `padding` makes each item larger by so many bytes that can't be compressed.
    """
    rng = Random(seed)
    items = items_of(seed)
    earlier: deque[Item] = deque(maxlen=300)
    for number in itertools.count():
        batch = list(itertools.islice(items, rng.choice(sizes)))
        if padding:
            batch = [with_member(item, "blob", rng.randbytes(padding // 2).hex()) for item in batch]
        new = list(batch)
        if earlier and rng.random() < 0.5:
            batch += rng.choices(earlier, k=2)
        if earlier and rng.random() < 0.1:
            batch.append(with_member(rng.choice(earlier), "note", f"changed {number}"))
        rng.shuffle(batch)
        earlier += new
        yield batch


def with_member(item: Item, name: str, value: str) -> Item:
    """Add a member to an item's data: other content under the same unique_id."""
    return Item(item.event, f'{item.data.removesuffix("}")},"{name}":"{value}"}}')


class Ledger:
    """What was sent under each unique_id, what was acknowledged, and why attempts were not.

    `batches` lists the unique_ids that each batch was the first to send: all of them are stored, or none.
    """

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.sent: dict[str, dict[Item, None]] = defaultdict(dict)
        self.acknowledged: dict[Item, None] = {}
        self.told: list[Told] = []
        self.answered = 0
        self.refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def sending(self, items: Sequence[Item]) -> None:
        """Note, before it is sent for the first time, what is about to be sent."""
        with self._lock:
            self.batches.append(
                [uid for uid in (i.unique_id for i in items) if uid not in self.sent]
            )
            for item in items:
                self.sent[item.unique_id][item] = None

    def acknowledge(self, items: Sequence[Item], answer: httpx.Response) -> None:
        """Note that a batch was acknowledged; the answer must account for each of its items."""
        counts = [int(answer.headers[f"Events-{of}"]) for of in ("Stored", "Duplicate", "Conflict")]
        assert sum(counts) == len(items), answer.headers
        told = []
        if answer.status_code == 200:
            receipt = answer.json()["items"]
            outcomes = Counter(said["outcome"] for said in receipt)
            assert counts == [outcomes[of] for of in ("stored", "duplicate", "conflict")], receipt
            for item, said in zip(items, receipt, strict=True):
                assert said["unique_id"] == item.unique_id
                assert said["position"] <= int(answer.headers["Log-Position"])
                told.append(Told(item, said["outcome"], said["position"]))
            stored = [position for _, outcome, position in told if outcome == "stored"]
            assert stored == sorted(stored)
        with self._lock:
            self.acknowledged.update(dict.fromkeys(items))
            self.told += told
            self.answered += 1

    def refuse(self, why: str) -> None:
        """Note an attempt that was not acknowledged."""
        with self._lock:
            self.refused[why] += 1


class Client:
    """One client of one service."""

    def __init__(
        self, url: str, key: str, ledger: Ledger, *, timeout_s: float = 30, verify: bool = True
    ) -> None:
        headers = {"x-api-key": key, "content-type": "application/json"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, verify=verify)
        self._ledger = ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send_once(self, items: Sequence[Item], *, receipt: bool = True) -> httpx.Response:
        """Send a batch, and note what becomes of it. Raises httpx.TransportError.

        The answer is one of those that the contract allows for a batch without faults.
        """
        self._ledger.sending(items)
        prefer = {"prefer": "return=representation"} if receipt else {}
        try:
            answer = self._http.post(EVENTS, content=body_of(items), headers=prefer)
        except httpx.TransportError as error:
            self._ledger.refuse(type(error).__name__)
            raise
        if answer.is_success:
            self._ledger.acknowledge(items, answer)
        else:
            assert answer.status_code == 503, answer.text
            assert float(answer.headers["Retry-After"]) > 0
            assert answer.headers["Content-Type"] == "application/problem+json"
            self._ledger.refuse(answer.json()["type"].rpartition(":")[2])
        return answer

    def send(self, items: Sequence[Item], *, receipt: bool = True) -> httpx.Response:
        """Send a batch as often as it takes."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self.send_once(items, receipt=receipt)
            except httpx.TransportError:
                pass
            else:
                if answer.is_success:
                    return answer
            assert time.monotonic() < deadline, f"never acknowledged: {self._ledger.refused}"
            time.sleep(_BETWEEN_TRIES_S)


class Load:
    """Clients that send, each a batch after the other, until told to finish; all of it is acknowledged then.

    As a context manager it is finished at the end of the block, whatever happens there.
    """

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._finish = threading.Event()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def add(
        self,
        url: str,
        key: str,
        batches: Iterator[list[Item]],
        *,
        pause_s: float = 0.03,
        **more: Any,
    ) -> None:
        """Let one more client send these batches."""

        def run() -> None:
            try:
                with Client(url, key, self.ledger, **more) as client:
                    for number, batch in enumerate(batches):
                        client.send(batch, receipt=number % 2 == 0)
                        if self._finish.wait(pause_s):
                            return
            except BaseException as error:  # noqa: BLE001 (raised again by finish)
                self._errors.append(error)

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def goes_on(self, batches: int = 10) -> None:
        """Wait until so many more batches are acknowledged."""
        wanted = self.ledger.answered + batches
        self._until(lambda: self.ledger.answered >= wanted)

    def is_refused(self, times: int) -> None:
        """Wait until so many more attempts were answered 503."""
        wanted = self.ledger.refused["store-unavailable"] + times
        self._until(lambda: self.ledger.refused["store-unavailable"] >= wanted)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert not self._errors, self._errors
            assert time.monotonic() < deadline, f"it stands still: {self.ledger.refused}"
            time.sleep(0.01)

    def finish(self) -> None:
        """Let each client finish the batch it is at."""
        self._finish.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
