"""The broker's process: started apart from our terminal, found again by its pid, ended by it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def launch(command: Sequence[str], output: Path, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C in a test run must not reach it); its output is appended."""
    with output.open("ab") as out:
        return subprocess.Popen(
            list(command),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def started_at(pid: int) -> str | None:
    """What tells a process from a later one of the same pid: when it was started; None when there is none."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            stat = (proc / str(pid) / "stat").read_text()
        except OSError:
            return None
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {stat.rpartition(')')[2].split()[19]}"  # the 22nd field: clock ticks since the boot
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return asked.stdout.strip() or None


def is_running(pid: int, mark: str) -> bool:
    """Tell whether `pid` is alive and its command line holds `mark`: pids are used again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # someone else's process by now
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        try:
            line = proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return False
    else:
        asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True)
        line = asked.stdout
    return mark in line


def end(pid: int, mark: str, *, patience_s: float = 15.0) -> None:
    """Ask the process to leave, and make it leave after `patience_s`; one that is gone already is fine."""
    deadline = time.monotonic() + patience_s
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while is_running(pid, mark):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline = float("inf")
        _reap(pid)
        time.sleep(0.02)


def _reap(pid: int) -> None:
    """Collect a child that ended; of a process that is not ours there is nothing to collect."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
