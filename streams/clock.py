"""The wall clock: the only place that reads it. Everything else is told the time."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Epoch milliseconds now, by this machine's clock."""
    return time.time_ns() // 1_000_000
