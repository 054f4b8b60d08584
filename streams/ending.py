"""How the program ends: every error in one sentence, with an exit code; a trace goes into a file for who mends it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import click

from streams.errors import (
    EXIT_DONE,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_PROBLEM,
    EXIT_SETUP,
    EXIT_TERMINATED,
    SetupError,
)
from streams.text.plain import plain, plain_lines
from streams.text.terminal import complain, prepare_output

ROOMS: Final = ("streams", "models", "schemas")

_OF_OUTPUT: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What a write to standard output may fail with; files that options name are told by their names."""


def run_to_end(run: Callable[[], object]) -> int:
    """Run and return the exit code; whatever happens is told in one sentence, and no error is lost in a last flush."""
    prepare_output()
    signal.signal(signal.SIGTERM, _terminate)
    threading.excepthook = _told_of_thread
    sys.unraisablehook = _told_as_unraisable
    try:
        code = run()
        sys.stdout.flush()
        return code if isinstance(code, int) else EXIT_DONE
    except BaseException as error:  # noqa: BLE001 - the last of all handlers
        code = _told(error)
        _leave_output()
        return code


def place_of(error: BaseException) -> str:
    """File and line of the innermost of our own functions in which an error arose; empty where none took part."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        room = next((room for room in ROOMS if f"/{room}/" in frame.filename), None)
        if room is not None:
            return f"{room}/{frame.filename.rpartition(f'/{room}/')[2]}:{frame.lineno}"
    return ""


def _told(error: BaseException) -> int:
    """Say what happened, unless nobody need be told, and return the exit code."""
    code = _untold(error)
    if code is not None:
        return code
    with suppress(OSError):
        if isinstance(error, click.Abort):  # a question that was answered with no, or not at all
            complain("stopped, nothing was done")
            return EXIT_PROBLEM
        if isinstance(error, click.ClickException):
            error.message = plain_lines(error.message)
            error.show()
            return error.exit_code
        known = _explained(error)
        complain(_fault(error) if known is None else known)
        return EXIT_FAULT if known is None else EXIT_SETUP
    return EXIT_SETUP  # there is nowhere to say it


def _untold(error: BaseException) -> int | None:
    """The exit code of an end that was asked for."""
    if isinstance(error, SystemExit):
        is_unread = isinstance(error.__context__, BrokenPipeError)  # which click answers with 1
        return error.code if isinstance(error.code, int) and not is_unread else EXIT_DONE
    if isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return EXIT_DONE if isinstance(error, BrokenPipeError) else None  # `churn-signals alerts | head`


def _explained(error: BaseException) -> SetupError | None:
    """The families of errors that a user can mend; None for a fault of the program."""
    if isinstance(error, SetupError):
        return error
    if isinstance(error, MemoryError):
        return SetupError("memory", "there is not enough", "Give the program more, or fewer events at a time.")
    if isinstance(error, OSError):
        return _of_system(error)
    if type(error).__module__.partition(".")[0] in ("confluent_kafka", "cimpl"):
        reason = getattr(error.args[0], "str", lambda: str(error))() if error.args else str(error)
        return SetupError("Kafka", reason, "Look with: churn-signals doctor.")
    return None


def _of_system(error: OSError) -> SetupError:
    reason = error.strerror or str(error)
    if error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        return SetupError(name, reason, "Check the name, the permissions and the space on the disk.")
    if error.errno in _OF_OUTPUT:
        return SetupError("standard output", f"cannot be written: {reason}", "What was printed is not whole.")
    return SetupError("the system", reason, "Try again, or look with: churn-signals doctor.")


def _fault(error: BaseException) -> str:
    """What is told of a fault of the program, and where its trace is."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = place_of(error)
    told = f"a fault in the program: {plain(what)}{f' ({place})' if place else ''}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="churn-signals-", suffix=".txt", delete=False, encoding="utf-8",
                                         errors="backslashreplace") as file:  # fmt: skip
            file.writelines(traceback.format_exception(error))
    except OSError:
        return f"{told}. Please report it"
    return f"{told}. Please report it, with {Path(file.name)}"


def _leave_output() -> None:
    """Let what cannot be written any more go nowhere: Python would say so itself as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's signature
    sys.exit(EXIT_TERMINATED)


def _told_of_thread(about: threading.ExceptHookArgs) -> None:
    if about.exc_value is not None and not isinstance(about.exc_value, SystemExit | BrokenPipeError):
        with suppress(OSError):
            complain(_fault(about.exc_value))


def _told_as_unraisable(about: sys.UnraisableHookArgs) -> None:
    """Errors where nobody can catch them, as in the end of an object: a sentence, for a fault may be behind them."""
    if about.exc_value is not None and not isinstance(about.exc_value, OSError | KeyboardInterrupt):
        with suppress(OSError):
            complain(_fault(about.exc_value))
