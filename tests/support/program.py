"""The program as its user runs it: a process of its own, with `CHURN_*` and nothing else of ours in its environment.

The tests have it forked from a process that imported it already (`forked.py`), benchmarks start it anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from support.forked import Fork, Forks

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


Process = subprocess.Popen[bytes] | Fork


class Starting:
    """How programs of ours are started: each from nothing, or while `is_forking` from what is imported already."""

    is_forking = False
    _forks: Forks | None = None

    @classmethod
    def forks(cls) -> Forks:
        """Made when it is asked for first."""
        if cls._forks is None:
            cls._forks = Forks()
        return cls._forks

    @classmethod
    def close(cls) -> None:
        if cls._forks is not None:
            cls._forks.close()
        cls._forks = None


def start(command: Sequence[str], env: Mapping[str, str], out: IO[bytes], err: IO[bytes]) -> Process:
    """Start a program in the project's folder, with nothing to read. The output files may be the same one."""
    with Path(os.devnull).open("rb") as nothing:
        if Starting.is_forking and command[0] == sys.executable and command[1] != "-c":
            return Starting.forks().start(command, env, {0: nothing, 1: out, 2: err})
        return subprocess.Popen(command, cwd=ROOT, env=env, stdin=nothing, stdout=out, stderr=err)


def run(*arguments: str, **settings: str) -> Outcome:
    """Run a command to its end: `run("topics", "check", bootstrap=…, prefix=…)`."""
    return ran(command(*arguments), environment(settings))


def ran(command: Sequence[str], env: Mapping[str, str]) -> Outcome:
    """Run a program to its end."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(command, env, out, err)
        try:
            code = process.wait(TIMEOUT_S)
        finally:
            process.kill()
        took = time.monotonic() - started
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return Outcome(code, told[0], told[1], took)
