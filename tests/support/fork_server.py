"""The process that starts programs of ours by a fork: everything they import was imported once, here.

Started by `support.forked` as `python -m support.fork_server FD`. Each message on that socket is a request: JSON, and
with it the socket for the answers and the files the program shall have as 0, 1 and 2. Answered are the process's id
and, when it ended, the status that `waitpid` gave. When the socket is closed, whatever still runs is killed.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import io
import json
import os
import resource
import runpy
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

MAX_REQUEST: Final = 1 << 20
MAX_FILES: Final = 4
NUMBER: Final = struct.Struct("i")
PROGRAMS: Final = ("streams.transport.app", "streams.transport.run", "streams.agents.keeping", "streams.agents.minding",
                   "streams.agents.learner", "streams.backtesting", "streams.transport.frame_app")  # fmt: skip
"""What commands import only when they are at it, because it takes long."""


@dataclass(frozen=True, slots=True)
class Request:
    """A program to be started: what follows the interpreter on its command line, and its surroundings."""

    arguments: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    files: Sequence[int]
    """The numbers that the files sent along shall have; others of 0, 1 and 2 are closed."""


Children = dict[int, socket.socket]
"""By the id of a process the socket on which its end is told."""


def _serve(control: socket.socket) -> None:
    children: Children = {}
    ended, noticed = socket.socketpair()
    noticed.setblocking(False)  # noqa: FBT003 - as it is called
    signal.set_wakeup_fd(noticed.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control, ended], [], [])
        if ended in ready:
            ended.recv(4096)
            _reap(children)
        if control in ready:
            text, files = _received(control)
            if not text:
                break
            _start(Request(**json.loads(text)), files, [control, ended, noticed], children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _start(request: Request, files: Sequence[int], ours: Sequence[socket.socket], children: Children) -> None:
    answers, *given = files
    pid = os.fork()
    if not pid:
        signal.set_wakeup_fd(-1)
        for opened in (*ours, *children.values()):
            opened.close()
        os.close(answers)
        _become(request, given)
    for file in given:
        os.close(file)
    children[pid] = socket.socket(fileno=answers)
    children[pid].sendall(NUMBER.pack(pid))


def _reap(children: Children) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with children.pop(pid) as answers, contextlib.suppress(OSError):  # nobody may want to know
            answers.sendall(NUMBER.pack(status))


def _received(control: socket.socket) -> tuple[bytes, list[int]]:
    size = array.array("i").itemsize * MAX_FILES
    text, ancillary, _, _ = control.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(size))
    files = array.array("i")
    for _, _, data in ancillary:
        files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return text, list(files)


def _become(request: Request, given: Sequence[int]) -> NoReturn:
    """Be that program, in this process, to its end."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(request.cwd)
        os.environ.clear()
        os.environ.update(request.env)
        time.tzset()
        tempfile.tempdir = None
        _take_files(dict(zip(request.files, given, strict=True)))
        code = _ran(request.arguments)
        threading._shutdown()  # type: ignore[attr-defined] # threads end before the process does, as ever
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:  # noqa: BLE001 - nothing may get back into the loop of the server
        with contextlib.suppress(Exception):
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(code)


def _take_files(files: dict[int, int]) -> None:
    """Have these files as 0, 1 and 2, and the streams of Python upon them."""
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    for number, name, mode in ((0, "stdin", "rb"), (1, "stdout", "wb"), (2, "stderr", "wb")):
        if number not in files:
            os.close(number)
            setattr(sys, name, None)
            continue
        os.dup2(files[number], number)
        os.close(files[number])
        opened: Any = os.fdopen(number, mode)
        on_error = errors or ("backslashreplace" if number == 2 else "strict")
        setattr(sys, name, io.TextIOWrapper(opened, encoding, on_error, line_buffering=number == 2))


def _ran(arguments: Sequence[str]) -> int:
    """Run a module (`-m NAME`) or a script, and say its exit code."""
    try:
        if arguments[0] == "-m":
            sys.argv = list(arguments[1:])
            sys.modules.pop(f"{arguments[1]}.__main__", None)
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(arguments)
            sys.path.insert(0, str(Path(arguments[0]).parent))
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    return 0


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the tests, who close the socket
    from streams.__main__ import COMMANDS
    from streams.files.catalogue_file import load_rules
    from streams.settings import Settings

    for name in (*(f"streams.cli.{command.replace('-', '_')}" for command in COMMANDS), *PROGRAMS):
        importlib.import_module(name)
    load_rules(Settings())  # the catalogue in the product is parsed once
    gc.collect()
    gc.freeze()  # what is there is looked at by no collection of a child: its pages stay shared
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)


if __name__ == "__main__":
    main()
