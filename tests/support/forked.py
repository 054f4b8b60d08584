"""Runs the program many times at the cost of one start: everything is imported once, each run is a fork.

Started as a process of its own (`python -m support.forked`), with cases as JSON lines on standard input and outcomes on
standard output, in the order of the cases.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from support.program import ROOT

AT_ONCE = 8
WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """A run: its arguments, what is in its environment besides, where its standard output goes.

    `output`: a path, `closed` for a pipe that nobody reads, `none` for no standard output at all; kept and returned
    without. `kill`: a signal and the seconds after which it is sent.
    """

    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    encoding: str = "utf-8"
    kill: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: 1,000 and the signal's number where a signal ended it, -1 where it did not end."""

    code: int
    out: str
    err: str
    seconds: float


def run_all(cases: Iterable[Case]) -> list[tuple[Case, Ended]]:
    """Run all cases, some at once."""
    listed = list(cases)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "COLUMNS", "LINES"))}
    done = subprocess.run(
        [sys.executable, "-m", "support.forked"],
        cwd=ROOT,
        env=ours | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        input="\n".join(json.dumps(asdict(case)) for case in listed),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WITHIN_S * (2 + len(listed) / AT_ONCE),
        check=True,
    )
    return list(zip(listed, (Ended(**json.loads(line)) for line in done.stdout.splitlines()), strict=True))


@dataclass(slots=True)
class _Run:
    case: Case
    folder: Path
    process: int
    begun: float
    is_killed: bool = False

    def ended(self) -> Ended | None:
        """Its outcome once there is one."""
        passed = time.monotonic() - self.begun
        if self.case.kill is not None and not self.is_killed and passed > self.case.kill[1]:
            self.is_killed = True
            os.kill(self.process, self.case.kill[0])
        found, status = os.waitpid(self.process, os.WNOHANG)
        if not found:
            if passed < WITHIN_S:
                return None
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            return self._outcome(-1, passed)
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1000 + os.WTERMSIG(status)
        return self._outcome(code, passed)

    def _outcome(self, code: int, seconds: float) -> Ended:
        texts = [(self.folder / name).read_bytes().decode("utf-8", "surrogateescape") for name in ("out", "err")]
        shown = [text.encode("utf-8", "backslashreplace").decode() for text in texts]
        return Ended(code, shown[0], shown[1], seconds)


def _start(case: Case, folder: Path) -> _Run:
    folder.mkdir()
    for name in ("out", "err"):
        (folder / name).touch()
    process = os.fork()
    if not process:
        _child(case, folder)
    return _Run(case, folder, process, time.monotonic())


def _child(case: Case, folder: Path) -> NoReturn:
    code = 99
    try:
        os.environ.update(case.env)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(folder / "err", os.O_WRONLY), 2)
        _redirect(case.output or str(folder / "out"))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number, name in ((1, "stdout"), (2, "stderr")):
            is_open = case.output != "none" or number == 2
            made = io.TextIOWrapper(os.fdopen(number, "wb"), encoding=case.encoding) if is_open else None
            setattr(sys, name, made)
        from streams.__main__ import main

        try:
            main(case.arguments)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 98
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _redirect(output: str) -> None:
    if output == "none":
        os.close(1)
    elif output == "closed":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
    else:
        os.dup2(os.open(output, os.O_WRONLY), 1)


def _serve() -> None:
    import importlib

    from streams.__main__ import COMMANDS

    for name in COMMANDS:
        importlib.import_module(f"streams.cli.{name.replace('-', '_')}")
    importlib.import_module("streams.backtesting")  # what learns takes seconds to import
    cases = [_case(json.loads(line)) for line in sys.stdin if line.strip()]
    waiting = list(enumerate(cases))[::-1]
    running: dict[int, _Run] = {}
    ended: dict[int, Ended] = {}
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                number, case = waiting.pop()
                running[number] = _start(case, Path(folder) / str(number))
            for number, run in list(running.items()):
                outcome = run.ended()
                if outcome is not None:
                    ended[number] = outcome
                    del running[number]
            time.sleep(0.005)
    for number in range(len(cases)):
        print(json.dumps(asdict(ended[number])))


def _case(given: dict[str, Any]) -> Case:
    return Case(
        tuple(given["arguments"]), given["env"], given["output"], given["encoding"],
        None if given["kill"] is None else (given["kill"][0], given["kill"][1]),
    )  # fmt: skip


if __name__ == "__main__":
    _serve()
