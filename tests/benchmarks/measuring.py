"""What the system says about a process (Linux: /proc), and what several measurements come to."""

from __future__ import annotations

import os
import re
import statistics
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Spread(Struct, frozen=True):
    """Several measurements of one thing: the median counts, the ends say how far to trust it."""

    median: float
    low: float
    high: float

    def show(self, digits: int = 1) -> str:
        """`median (low to high)`, the median alone when there was one measurement."""
        shown = f"{self.median:,.{digits}f}"
        return shown if self.low == self.high else f"{shown} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


class SystemRun(Struct, frozen=True):
    """What one system needed for one backlog, from its first event to everything committed."""

    seconds: float
    cpu_s: float
    resident_bytes: int
    peak_bytes: int


def spread(values: Sequence[float]) -> Spread:
    """Median and ends of some measurements."""
    return Spread(statistics.median(values), min(values), max(values))


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Resident memory of a process now; the most it ever was as `VmHWM`."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, f"/proc/{pid}/status has no {field}"
    return int(found[1]) * 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


class Page:
    """The worker's page for machines."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def is_well(self, path: str) -> bool:
        """Whether a path answers 200; not while there is no server yet."""
        return self._get(path) is not None

    def total(self, metric: str) -> float:
        """The sum of a metric over its labels, 0 while it has none."""
        found = re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", self._get("/metrics") or "", re.MULTILINE)
        return sum(float(value) for value in found)

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(self._address + path, timeout=10) as answer:  # noqa: S310 - our own worker
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            return None
