"""A worker of the product as a process of its own: ready, watched, ended."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from demo.errors import DemoError
from demo.surroundings import ROOT, Place

STARTS_WITHIN_S = 60.0
LEAVES_WITHIN_S = 20.0
"""SIGTERM ends a worker within ten seconds; the rest is for a crowded machine."""
LOG_LINES = 15

_ADDRESS = re.compile(r"metrics and health at (http://\S+)")


class Worker:
    """The process and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    def wait_until_ready(self) -> str:
        """Wait until it owns its partitions; returns the address of its metrics. Raises DemoError."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while True:
            self.check()
            found = _ADDRESS.search(self._log.read_text(errors="replace"))
            if found is not None and _is_ready(found[1]):
                return f"{found[1]}/metrics"
            if time.monotonic() > deadline:
                raise DemoError("worker", f"not ready within {STARTS_WITHIN_S:.0f} s", self.log_tail())
            time.sleep(0.1)

    def check(self) -> None:
        """Raise DemoError with the end of the log when it no longer runs."""
        if (code := self._process.poll()) is not None:
            raise DemoError("worker", f"left with {code}", self.log_tail())

    def leave(self) -> None:
        """Ask it to leave, with everything sent and committed. Raises DemoError when it does not end with 0."""
        self._process.terminate()
        code = self._process.wait(LEAVES_WITHIN_S)
        if code:
            raise DemoError("worker", f"left with {code}", self.log_tail())

    def log_tail(self) -> str:
        """The last lines it logged."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])


@contextmanager
def worker(place: Place) -> Iterator[Worker]:
    """A worker that is gone when the block ends. Ctrl-C does not reach it: it leaves when we say so."""
    log = place.folder / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            place.program("worker"),
            cwd=ROOT,
            env=place.environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield Worker(process, log)
    finally:
        process.terminate()
        try:
            process.wait(LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/readyz", timeout=5):  # noqa: S310 - the worker's own
            return True
    except (URLError, OSError):
        return False
