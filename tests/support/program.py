"""The program as its user runs it: a process of its own, with `CHURN_*` and nothing else of ours in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    code: int
    out: str
    err: str
    seconds: float


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process: ours without `CHURN_*`, and `settings` (bootstrap="…" is CHURN_BOOTSTRAP)."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CHURN_")}
    return ours | {f"CHURN_{name.upper()}": value for name, value in settings.items()}


def command(*arguments: str) -> list[str]:
    """The command line of the program, on the Python that runs the tests."""
    return [sys.executable, "-m", "streams", *arguments]


TIMEOUT_S = 600.0
"""More than any command needs that comes to an end by itself: a replay of full size on a crowded machine."""


def run(*arguments: str, **settings: str) -> Outcome:
    """Run a command to its end: `run("topics", "check", bootstrap=…, prefix=…)`."""
    started = time.monotonic()
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - started)
