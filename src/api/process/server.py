"""An HTTP server on sockets that it is given, with what uvicorn leaves out."""

import asyncio
import os
from collections.abc import Callable
from types import FrameType

import uvicorn
from litestar.types import ASGIApp

from api.http.draining import Draining
from api.http.protocol import Protocol, end_slow_heads
from api.process.files import count_files, most_connections

_PROXIES = "FORWARDED_ALLOW_IPS"  # uvicorn's own variable
_TICKS_BETWEEN_LOOKS = 10


class Server(uvicorn.Server):
    """A server that ends in time: endless answers when it is told to stop, and heads that never come.

    Who comes when there are more connections than it has files for is told so.
    """

    def __init__(
        self,
        application: ASGIApp,
        *,
        end_streams: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
        head_timeout_s: float,
        grace_s: int,
        draining: Draining | None = None,
        drain_s: float = 0.0,
        has_lifespan: bool = True,
    ) -> None:
        """Serve an application; end connections on which no head is whole in time.

        `beat` is called again and again, as long as the event loop goes on. Told to stop, it begins
        `draining` for `drain_s`; then, or told so once more, it calls `end_streams` and leaves other
        requests `grace_s`.
        """
        config = uvicorn.Config(
            application,
            http=Protocol,
            ws="none",
            lifespan="auto" if has_lifespan else "off",
            log_config=None,
            access_log=False,
            server_header=False,
            # They are read for each request, and tell nothing but whose wrong keys are counted.
            proxy_headers=_PROXIES in os.environ,
            timeout_graceful_shutdown=grace_s,
        )
        super().__init__(config)
        self._end_streams = end_streams
        self._beat = beat
        self._head_timeout_s = head_timeout_s
        self._draining = draining
        self._drain_s = drain_s
        self._files_beside: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop: the first one may begin to drain, the next one ends that."""
        loop = asyncio.get_running_loop()
        if self._drain_s and self._draining is not None and not self._draining.has_begun:
            self._draining.begin()
            loop.call_soon_threadsafe(loop.call_later, self._drain_s, self.handle_exit, sig, frame)
            return
        super().handle_exit(sig, frame)
        loop.call_soon_threadsafe(self._end_streams)

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, ten times a second."""
        self._beat()
        if counter % _TICKS_BETWEEN_LOOKS == 0:
            end_slow_heads(self.server_state.connections, self._head_timeout_s)
            self._limit_connections()
        return await super().on_tick(counter)

    def _limit_connections(self) -> None:
        """Let each protocol know by how many connections there is one too many, as it is by now."""
        if self._files_beside is None:
            try:
                self._files_beside = count_files() - len(self.server_state.connections)
            except OSError:  # there is no file left to look with
                return
        self.config.limit_concurrency = most_connections(self._files_beside)
