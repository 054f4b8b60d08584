"""The page for machines: /metrics for Prometheus, /livez and /readyz for whoever runs the worker."""

from __future__ import annotations

import errno
import hmac
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from streams.errors import EXIT_DEAD_LETTER_LIMIT, SetupError
from streams.settings import Settings, variable_of
from streams.transport.status import Status

log = logging.getLogger(__name__)

LOOP_ALIVE_S = 30.0
"""A loop that has not looked at itself for this long is stuck; a broker that is away does not count as dead."""


LAST_WORD_S = 20.0
"""How long a worker that stopped at the dead-letter limit still says so: longer than Prometheus' scrape interval."""


@dataclass(frozen=True, slots=True)
class Served:
    """The page while it is served."""

    address: str
    _is_told: threading.Event

    def last_word(self, code: int) -> None:
        """Wait until the metrics were read once more, so that why the worker stopped is known where alerts are made."""
        if code == EXIT_DEAD_LETTER_LIMIT:
            self._is_told.wait(LAST_WORD_S)


@contextmanager
def serve_health(settings: Settings, status: Status, *collectors: Collector) -> Iterator[Served]:
    """Serve while the block runs. Raises SetupError when the port is taken."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    is_told = threading.Event()

    class Page(_Page):
        sources = (registry, status, settings.metrics_token, is_told)

    server = _listening(settings, Page)
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield Served(f"http://{in_address(settings.metrics_host)}:{server.server_port}", is_told)
    finally:
        server.shutdown()
        server.server_close()


def in_address(host: str) -> str:
    """A host as it stands in an address.

    >>> in_address("127.0.0.1"), in_address("::1")
    ('127.0.0.1', '[::1]')
    """
    return f"[{host}]" if ":" in host else host


class _Server(ThreadingHTTPServer):
    """Does not wait for its readers, and does not let one of them fill the log."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's signature
        """A reader that went away is no news; an error of ours is a line of the log."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("the page could not be made", exc_info=error)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listening(settings: Settings, page: type[BaseHTTPRequestHandler]) -> _Server:
    host, port = settings.metrics_host, settings.metrics_port
    try:
        return (_Server6 if ":" in host else _Server)((host, port), page)
    except OSError as error:
        value = f"{host}:{port} cannot be used: {error.strerror}"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise SetupError(variable_of("metrics_port"), value, "Choose a free port, or 0 for any.") from error
        raise SetupError(variable_of("metrics_host"), value, "Name an address of this machine.") from error


class _Page(BaseHTTPRequestHandler):
    """Three paths, to be read; everything else is not found or not allowed."""

    timeout = 10  # seconds for a request to arrive: an idle client must not hold a thread for ever
    server_version, sys_version = "churn-signals", ""
    sources: tuple[CollectorRegistry, Status, str | None, threading.Event]

    def do_GET(self) -> None:
        """Answer one request; what follows a `?` says nothing here."""
        registry, status, token, is_told = self.sources
        path = self.path.partition("?")[0]
        if path == "/livez":
            silent_s = time.monotonic() - status.looked_at
            self._answer_health(None if silent_s < LOOP_ALIVE_S else f"stuck for {silent_s:.0f} s")
        elif path == "/readyz":
            self._answer_health(status.unready(time.monotonic()))
        elif path != "/metrics":
            self._answer(404, b"known are /metrics, /livez, /readyz\n")
        elif token is not None and not self._has_token(token):
            self._answer(401, b"a bearer token is needed\n", WWW_Authenticate="Bearer")
        else:
            is_last = status.exit_code is not None
            self._answer(200, generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
            if is_last and self.command == "GET":
                is_told.set()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The library asks for `do_` and the method: HEAD is GET without its body, all others are refused."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self.do_GET if name == "do_HEAD" else self._refuse_method

    def _refuse_method(self) -> None:
        self._answer(405, b"only GET and HEAD are answered\n", Allow="GET, HEAD")

    def _has_token(self, expected: str) -> bool:
        given = self.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(errors="replace"), f"Bearer {expected}".encode())

    def _answer_health(self, trouble: str | None) -> None:
        self._answer(200, b"ok\n") if trouble is None else self._answer(503, f"not ready: {trouble}\n".encode())

    def _answer(
        self, code: int, body: bytes, *, content_type: str = "text/plain; charset=utf-8", **headers: str
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """A scrape each few seconds is not news."""
