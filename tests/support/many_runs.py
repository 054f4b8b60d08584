"""Many commands, some at once: for those who try what is wrong around a program."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from support.program import Starting

AT_ONCE: Final = 8
WITHIN_S: Final = 60.0


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
    """How a run ended: below zero the number of a signal that ended it, 1,000 where it did not end."""

    code: int
    out: str
    err: str
    seconds: float


def run_all(cases: Iterable[Case]) -> list[tuple[Case, Ended]]:
    """Run all cases, some at once."""
    listed = list(cases)
    waiting, running = list(enumerate(listed))[::-1], dict[int, _Run]()
    ended = dict[int, Ended]()
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                number, case = waiting.pop()
                running[number] = _Run(case, Path(folder) / str(number))
            for number, run in list(running.items()):
                outcome = run.ended()
                if outcome is not None:
                    ended[number] = outcome
                    del running[number]
            time.sleep(0.005)
    return [(case, ended[number]) for number, case in enumerate(listed)]


class _Run:
    def __init__(self, case: Case, folder: Path) -> None:
        self._case, self._folder, self._is_killed = case, folder, False
        folder.mkdir()
        for name in ("out", "err"):
            (folder / name).touch()
        ours = {name: text for name, text in os.environ.items() if not name.startswith(("CHURN_", "COLUMNS", "LINES"))}
        own = {"TMPDIR": str(folder), "PYTHONIOENCODING": case.encoding}  # a fault leaves its trace in the folder
        command = [sys.executable, "-m", "streams", *case.arguments]
        with ExitStack() as opened:
            files = {
                0: opened.enter_context(Path(os.devnull).open("rb")),
                1: _output(case.output or str(folder / "out"), opened),
                2: opened.enter_context((folder / "err").open("wb")),
            }
            given = {number: file for number, file in files.items() if file is not None}
            self._process = Starting.forks().start(command, ours | own | dict(case.env), given)
        self._begun = time.monotonic()

    def ended(self) -> Ended | None:
        """Its outcome once there is one."""
        passed = time.monotonic() - self._begun
        if self._case.kill is not None and not self._is_killed and passed > self._case.kill[1]:
            self._is_killed = True
            self._process.send_signal(self._case.kill[0])
        if (code := self._process.poll()) is None and passed > WITHIN_S:
            self._process.kill()
            self._process.wait()
            code = 1_000
        if code is None:
            return None
        texts = [(self._folder / name).read_bytes().decode("utf-8", "surrogateescape") for name in ("out", "err")]
        shown = [text.encode("utf-8", "backslashreplace").decode() for text in texts]
        return Ended(code, shown[0], shown[1], passed)


def _output(where: str, opened: ExitStack) -> IO[bytes] | int | None:
    if where == "none":
        return None
    if where != "closed":
        return opened.enter_context(Path(where).open("wb"))
    reading, writing = os.pipe()
    os.close(reading)
    opened.callback(os.close, writing)
    return writing
