"""Programs of ours at the cost of a fork instead of a second of imports; the tests start hundreds.

`Forks.start` is `subprocess.Popen` for `python -m MODULE …` and `python SCRIPT …`: environment, arguments, files,
signals and exit codes are as in a process started anew. What needs another interpreter or none of our imports is
started by `subprocess`.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final

from support.fork_server import NUMBER, Request

ROOT: Final = Path(__file__).parents[2]
STARTS_WITHIN_S: Final = 120.0
LEAVES_WITHIN_S: Final = 10.0


class Fork:
    """A program that was started: as `subprocess.Popen` has it."""

    def __init__(self, arguments: Sequence[str], answers: socket.socket) -> None:
        self.args, self._answers = arguments, answers
        self.returncode: int | None = None
        self.pid = self._answer(STARTS_WITHIN_S)

    def poll(self) -> int | None:
        """The exit code, None while it runs; a signal's number below zero."""
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(self._answer(timeout))
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended since
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _answer(self, timeout: float | None) -> int:
        if not select.select([self._answers], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
        given = self._answers.recv(NUMBER.size)
        assert given, "the process that starts programs is gone"
        return int(NUMBER.unpack(given)[0])


class Forks:
    """Starts programs; those that still run when it is closed are killed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        path = ":".join(str(ROOT / name) for name in ("", "tests", "deploy"))
        self._server = subprocess.Popen(
            [sys.executable, "-m", "support.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("CHURN_")}
            | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def close(self) -> None:
        self._control.close()
        try:
            self._server.wait(LEAVES_WITHIN_S)
        finally:
            self._server.kill()

    def start(
        self, command: Sequence[str], env: Mapping[str, str], files: Mapping[int, IO[bytes] | int], cwd: Path = ROOT
    ) -> Fork:
        """Start `command`, whose first word is this interpreter. `files`: what it has as 0, 1 and 2; no others."""
        assert command[0] == sys.executable, command
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            numbers = [file if isinstance(file, int) else file.fileno() for file in files.values()]
            sent = array.array("i", [theirs.fileno(), *numbers])
            request = Request(tuple(command[1:]), str(cwd), dict(env), tuple(files))
            self._control.sendmsg(
                [json.dumps(asdict(request)).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)]
            )
        return Fork(command, ours)
