"""One Kafka broker in a folder: `with Cluster() as cluster: cluster.bootstrap`.

Without a folder it lives in a temporary one that goes with it; with a folder its data stay. `kill()` is kill -9 and
keeps the data, `restart()` brings it back on the same port.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka.archive import reading
from kafka.jars import CACHE, ensure_jars
from kafka.java import find_java
from kafka.process import end, is_running, launch
from kafka.properties import ADMIN, LOG4J, Credentials, Security, server_properties
from kafka.tls import make_certificates

FLAGS = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A small heap and the quick compiler: ready in 1.4 s (0.8 s with its classes kept) with 149 MB, and no slower over a
test run."""

CLUSTER_ID = "ZGV2a2Fma2EtY2h1cm4tMQ"
"""Any 22 characters of base64 that do not begin with a dash; one id lets a formatted folder be copied."""

READY_WITHIN_S = 60.0
"""About 2 s on a quiet machine; the rest is for a crowded one."""

TEMPORARY = "devkafka-"


class ClusterError(Exception):
    """The broker cannot be started; the message says why and what to do."""


class Cluster:
    """A broker of one's own, a context manager; start and stop by hand work too."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int | None = None,
        security: Security = "PLAINTEXT",
        users: Sequence[Credentials] = (),
        extra: Mapping[str, str] | None = None,
        flags: Sequence[str] | None = None,
    ) -> None:
        """`flags`: for Java, in place of those that use the classes kept by `make install`."""
        self._temporary = folder is None
        self._folder = folder.resolve() if folder else None
        self._wanted_port = port
        self._security: Security = security
        self._users = users
        self._extra = dict(extra or {})
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.ca: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the broker's data and logs are; only once started."""
        if self._folder is None:
            raise ClusterError("not started yet")
        return self._folder

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        if self._process is None:
            raise ClusterError("not running")
        return self._process.pid

    def start(self) -> Self:
        """Start the broker and return when it answers.

        Raises ClusterError (port taken, an earlier broker of this folder still running, the broker died),
        JarError and JavaError.
        """
        if self._process is not None:
            raise ClusterError(f"already started, pid {self._process.pid}")
        if self._folder is None:
            sweep()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-"))
        self._refuse_second()
        self.port = self.port or self._wanted_port or free_port()
        if not is_free(self.port):
            raise ClusterError(f"port {self.port} on 127.0.0.1 is taken by another program; choose another port")
        self._configure()
        self._run()
        return self

    def kill(self) -> None:
        """Kill -9: nothing is flushed, nothing is said; data that reached the file system stay."""
        process = self._running()
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._forget()

    def restart(self) -> Self:
        """Start again on the same port with the same data, after `kill()` or in place of a running broker."""
        if self._process is not None:
            self._end()
        return self.start()

    def stop(self, patience_s: float = 15.0) -> None:
        """End the broker cleanly; a temporary folder goes too. Stopping twice is fine."""
        if self._process is not None:
            self._end(patience_s)
        if self._temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ClusterError("not running")
        return self._process

    def _end(self, patience_s: float = 15.0) -> None:
        process = self._running()
        process.terminate()  # the broker leaves with 143: that is clean
        try:
            process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget()

    def _forget(self) -> None:
        self._process = None
        (self.folder / "broker.json").unlink(missing_ok=True)

    def _refuse_second(self) -> None:
        if (pid := running_pid(self.folder)) is not None:
            raise ClusterError(f"an earlier broker of {self.folder} is still running, pid {pid}; stop it first")

    def _configure(self) -> None:
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        keystore: Path | None = None
        if self._security == "SASL_SSL":
            made = make_certificates(folder / "tls")
            self.ca, keystore = made.ca, made.broker
        text = server_properties(
            folder=folder,
            port=self.port,
            controller_port=free_port(),
            security=self._security,
            keystore=keystore,
            truststore=self.ca,
            extra=self._extra,
        )
        (folder / "server.properties").write_text(text)
        (folder / "log4j2.properties").write_text(LOG4J)
        if not (folder / "data" / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        """Format the data folder; without users a formatted one is kept and copied, which saves a second."""
        data = self.folder / "data"
        template = CACHE / f"formatted-{CLUSTER_ID}"
        plain = self._security == "PLAINTEXT" and not self._extra
        if plain and template.exists():
            shutil.copytree(template, data, dirs_exist_ok=True)
            return
        users = [] if self._security == "PLAINTEXT" else [ADMIN, *self._users]
        scram = [f"SCRAM-SHA-512=[name={user.username},password={user.password}]" for user in users]
        flags = [argument for line in scram for argument in ("-S", line)]
        command = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "server.properties", *flags)
        done = subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True)
        if done.returncode:
            raise ClusterError(f"the folder could not be formatted: {_telling(done.stdout + done.stderr)}")
        if plain:
            new = Path(tempfile.mkdtemp(dir=CACHE)) / "data"
            shutil.copytree(data, new)
            with contextlib.suppress(OSError):  # another run was quicker
                new.rename(template)
            shutil.rmtree(new.parent, ignore_errors=True)

    def _run(self) -> None:
        folder = self.folder
        log = folder / "broker.log"
        seen = log.stat().st_size if log.exists() else 0
        command = self._java("kafka.Kafka", str(folder / "server.properties"))
        process = self._process = launch(command, folder / "broker.out")
        about = {"pid": process.pid, "port": self.port, "bootstrap": self.bootstrap}
        (folder / "broker.json").write_text(json.dumps(about))
        deadline = time.monotonic() + READY_WITHIN_S
        while not _has_started(log, seen):
            if (code := process.poll()) is not None:
                self._forget()
                raise ClusterError(f"the broker ended with {code}: {_reason(folder, seen)}")
            if time.monotonic() > deadline:
                self.kill()
                raise ClusterError(f"the broker was not ready within {READY_WITHIN_S:.0f} s: {_reason(folder, seen)}")
            time.sleep(0.02)

    def _java(self, main: str, *arguments: str) -> list[str]:
        libs = ensure_jars()
        flags = reading(libs) if self._flags is None else self._flags
        log = [
            f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties",
            f"-Ddevkafka.log={self.folder}/broker.log",
        ]
        return [str(find_java()), *FLAGS, *flags, *log, "-cp", f"{libs}/*", main, *arguments]


def running_pid(folder: Path) -> int | None:
    """Return the pid of the broker that runs in `folder`, None when none does."""
    pid = _noted(folder, "pid")
    return pid if pid is not None and is_running(pid, str(folder)) else None


def noted_port(folder: Path) -> int | None:
    """Return the port of the broker that runs in `folder`, or did until it was killed; None after a clean stop."""
    return _noted(folder, "port")


def _noted(folder: Path, name: str) -> int | None:
    try:
        return int(json.loads((folder / "broker.json").read_text())[name])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sweep() -> None:
    """End brokers, and remove folders, of test runs that were killed before they could do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*-*"):
        owner = folder.name.removeprefix(TEMPORARY).partition("-")[0]
        if not owner.isdigit() or is_running(int(owner), ""):
            continue
        if (pid := running_pid(folder)) is not None:
            end(pid, str(folder), patience_s=0)
        shutil.rmtree(folder, ignore_errors=True)


def _has_started(log: Path, seen: int) -> bool:
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(seen)
        return b"Kafka Server started" in file.read()


def _reason(folder: Path, seen: int) -> str:
    """Return the lines of the log that say what went wrong, else its end."""
    text = ""
    for name, start in (("broker.log", seen), ("broker.out", 0)):
        file = folder / name
        if file.exists():
            text += file.read_bytes()[start:].decode(errors="replace")
    return _telling(text) or f"nothing in {folder}/broker.log"


def _telling(text: str) -> str:
    lines = text.splitlines()
    return " | ".join([line for line in lines if "ERROR" in line or "Exception" in line][-3:] or lines[-3:])[-600:]


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
