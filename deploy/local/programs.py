"""A program that stays when the terminal is gone: found again, compared with what is wanted, ended.

What was started is noted in a file: the process, with the moment of its start, as pids are used again, and with what it
was started with, so that another catalogue is noticed.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from kafka.process import end, is_running, launch, started_at
from local.errors import LocalError

READY_WITHIN_S: Final = 60.0
"""A worker is ready some seconds after its start; one with millions of customers to restore says so in its log."""
LEAVES_WITHIN_S: Final = 20.0
"""SIGTERM ends a worker within ten seconds; the rest is for a crowded machine."""
LOG_LINES: Final = 5

_ERROR: Final = re.compile(r"^churn-signals: | (ERROR|CRITICAL) ")
_STOPPED: Final = re.compile(r" INFO \S+ stopped by (SIG[A-Z]+)$")
_ADDRESS: Final = re.compile(r"metrics and health at (http://\S+)")


@dataclass(frozen=True, slots=True)
class Noted:
    """A process as it was started. `digests`: by name what stands for a setting, a file or the code it began with."""

    pid: int
    started: str
    digests: dict[str, str]


class Program:
    """One of the programs, by its name, with a note and a log in a folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._file = folder / f"{name}.json"
        self._mark = f"-m streams {name}"

    def noted(self) -> Noted | None:
        """What was started last, None when nothing was or it was stopped."""
        try:
            return Noted(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> Noted | None:
        """What was started last, if that very process still runs."""
        noted = self.noted()
        is_it = noted is not None and is_running(noted.pid, self._mark) and started_at(noted.pid) == noted.started
        return noted if is_it else None

    def start(self, environ: Mapping[str, str], digests: dict[str, str]) -> None:
        """Start it and return when it is ready. Raises LocalError with the end of its log when it leaves."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        process = launch([sys.executable, "-m", "streams", self.name], self.log, environ)
        self._file.write_text(json.dumps(asdict(Noted(process.pid, started_at(process.pid) or "", digests))))
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._is_ready(seen):
            if (code := process.poll()) is not None:
                self._file.unlink(missing_ok=True)
                raise LocalError(self.name, f"left with {code}\n{self._tail(seen)}", f"\nAll of it: {self.log}.")
            if time.monotonic() > deadline:
                print(f"{self.name}: pid {process.pid} is not ready yet, see {self.log}")
                return
            time.sleep(0.1)
        print(f"{self.name}: ready, pid {process.pid}, log {self.log}")

    def stays(self) -> bool:
        """Whether what runs is ready, or gets there; it may be about to leave, as no broker answered it for long."""
        deadline = time.monotonic() + READY_WITHIN_S
        while (running := self.running()) is not None:
            if self._is_ready(0):
                return True
            if time.monotonic() > deadline:
                print(f"{self.name}: pid {running.pid} is not ready yet, see {self.log}")
                return True
            time.sleep(0.1)
        return False

    def stopped_by(self) -> str | None:
        """The signal by which what was started last says at the end of its log that it left, None without that."""
        last = self._since(0).rstrip().rpartition("\n")[2]
        found = _STOPPED.search(last)
        return None if found is None else found[1]

    def stop(self) -> int | None:
        """End it if it runs, by force if need be; returns the pid of what was ended."""
        running = self.running()
        if running is not None:
            end(running.pid, self._mark, patience_s=LEAVES_WITHIN_S)
        self._file.unlink(missing_ok=True)
        return None if running is None else running.pid

    def _is_ready(self, seen: int) -> bool:
        found = _ADDRESS.findall(self._since(seen))
        if not found:
            return False
        try:
            with urlopen(f"{found[-1]}/readyz", timeout=5):  # noqa: S310 - our own
                return True
        except (URLError, OSError):
            return False

    def _since(self, seen: int) -> str:
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(seen)
            return file.read().decode(errors="replace")
        return ""

    def _tail(self, seen: int) -> str:
        """What says why it left: its errors, else the last lines of its log."""
        lines = self._since(seen).splitlines()
        return "\n".join([line for line in lines if _ERROR.search(line)][-LOG_LINES:] or lines[-LOG_LINES:])


def run(environ: Mapping[str, str], *arguments: str) -> None:
    """Run a command of the product to its end. Raises LocalError with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "streams", *arguments], env=environ, check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().removeprefix("churn-signals: ")
        raise LocalError(" ".join(arguments), said, "Nothing more was started.")
