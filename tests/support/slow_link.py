"""A broker behind a slow connection: what is sent and what is answered arrives later, in order and complete.

The broker gets a second listener whose advertised address is a proxy of ours; those who begin there stay there, while
the test itself talks to the broker directly.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from kafka.cluster import Cluster, free_port
from support.broker import Broker

CHUNK: Final = 256 << 10


class SlowLink:
    """A proxy on loopback, in a thread of its own. `round_trip_s` may be changed at any time."""

    def __init__(self, target: int) -> None:
        self.round_trip_s = 0.0
        self.late_s = 0.0
        """By how much something was passed on later than it should have been, at most."""
        self.port = free_port()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def bootstrap(self) -> str:
        """The address for those who shall be slow."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            broker, to_broker = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await asyncio.gather(self._carry(client, to_broker), self._carry(broker, to_client))
            finally:
                to_broker.close()
        to_client.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on what comes, each piece half a round trip after it came."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                self.late_s = max(self.late_s, self._loop.time() - due)
                if not data:
                    sink.close()
                    return
                sink.write(data)
                await sink.drain()

        async def collect() -> None:
            data = b"."
            while data:
                data = await source.read(CHUNK)
                on_the_way.put_nowait((self._loop.time() + self.round_trip_s / 2, data))

        await asyncio.gather(collect(), deliver())


@contextmanager
def slow_broker() -> Iterator[tuple[Broker, SlowLink]]:
    """A broker of one's own, and the slow way to it."""
    port, slow, controller = free_port(), free_port(), free_port()
    link = SlowLink(slow)
    extra = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},SLOW://127.0.0.1:{slow},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SLOW://{link.bootstrap}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    with Cluster(port=port, extra=extra) as cluster:
        link.start()
        try:
            yield Broker(cluster.bootstrap), link
        finally:
            link.stop()
