"""A broker, a worker, a dispatcher, a learner that stay: `PYTHONPATH=deploy python -m local up|down` (see Makefile)."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kafka.cluster import Cluster, ClusterError, is_free, noted_port, running_pid
from kafka.jars import JarError
from kafka.java import JavaError
from kafka.process import end
from local.digests import changed, digests_of
from local.errors import LocalError
from local.programs import Program, run
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.settings import Settings, load_settings

BOOTSTRAP: Final = "CHURN_BOOTSTRAP"
METRICS_PORT: Final = "CHURN_METRICS_PORT"
DEFAULT_PORT: Final = 9092
WORKER, DISPATCHER, LEARNER = "worker", "dispatcher", "learner"


def main() -> int:
    """Run one verb; 0 done, 1 it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("up", "start what does not run, as the settings say"), ("down", "stop what `up` started")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("--folder", type=Path, required=True, help="where data, logs and notes are kept")
        if verb == "up":
            sub.add_argument("--port", type=int, help="of the broker; without it that of before, or 9092")
            for name in (LEARNER, DISPATCHER):
                sub.add_argument(
                    f"--{name}-metrics-port", required=True, help=f"the {name}'s page, as the worker's is set"
                )
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(folder):
            if given.verb == "up":
                _up(
                    folder, given.port, {LEARNER: given.learner_metrics_port, DISPATCHER: given.dispatcher_metrics_port}
                )
            else:
                _down(folder)
    except (LocalError, SetupError, ClusterError, JarError, JavaError) as error:
        print(f"make {given.verb}: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(str(folder), "another `make up` or `make down` is at work", "Wait for it.") from error
        yield


def _up(folder: Path, port: int | None, metrics_ports: Mapping[str, str]) -> None:
    named = os.environ.get(BOOTSTRAP, "")
    if is_ours(named, folder / "kafka", port):
        named = ""
    environ = {**os.environ, BOOTSTRAP: named or _address(port or DEFAULT_PORT)}
    load_rules(load_settings(environ))  # what is wrong with them is said before anything is started or stopped
    environ[BOOTSTRAP] = named or _broker(folder / "kafka", port)
    if named:
        print(f"kafka: none is started, {BOOTSTRAP} names one: {named}")
    environs = {WORKER: environ, **{name: environ | {METRICS_PORT: one} for name, one in metrics_ports.items()}}
    settings = {name: load_settings(of) for name, of in environs.items()}
    _refuse_same_port({name: one.metrics_port for name, one in settings.items()})
    run(environ, "topics", "create")
    for name in (WORKER, DISPATCHER):
        _keep(Program(name, folder), environs[name], settings[name])
    if load_rules(settings[LEARNER]).basis.learning is not None:
        _keep(Program(LEARNER, folder), environs[LEARNER], settings[LEARNER])
    else:
        was = Program(LEARNER, folder).stop()
        print(f"{LEARNER}: not needed, the catalogue has no model" + (f"; pid {was} is stopped" if was else ""))
    print(f"broker: {environ[BOOTSTRAP]}; stop all with: make down")
    if environ[BOOTSTRAP] != _address(DEFAULT_PORT) and not named:
        print(f"commands want: export {BOOTSTRAP}={environ[BOOTSTRAP]}")


def is_ours(named: str, folder: Path, port: int | None) -> bool:
    """Whether this is the broker of a folder, as `make up` said to export it: ours to start, unless one is there."""
    wanted = port or noted_port(folder)
    return wanted is not None and named == _address(wanted) and (running_pid(folder) is not None or is_free(wanted))


def _refuse_same_port(ports: Mapping[str, int]) -> None:
    for name, port in ports.items():
        others = [other for other, its in ports.items() if other != name and its == port != 0]
        if others:
            wanted = f"{port} is wanted by {' and '.join([name, *others])}"
            remedy = f"Name another one: make up {others[-1].upper()}_METRICS_PORT=…"
            raise LocalError(METRICS_PORT, wanted, remedy)


def _broker(folder: Path, port: int | None) -> str:
    """Start the broker of a folder unless it runs; where it is."""
    pid, before = running_pid(folder), noted_port(folder) or DEFAULT_PORT
    if pid is None:
        try:
            cluster = Cluster(folder, port=port or before).start()
        except ClusterError as error:
            raise LocalError("kafka", str(error), "A port is named so: make up PORT=9192.") from error
        print(f"kafka: ready at {cluster.bootstrap}, pid {cluster.pid}")
        return cluster.bootstrap
    if port not in (None, before):
        raise LocalError("kafka", f"runs at port {before} already, not at {port}", "First: make down.")
    print(f"kafka: already running at {_address(before)}, pid {pid}")
    return _address(before)


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def _keep(program: Program, environ: Mapping[str, str], settings: Settings) -> None:
    """See to it that a program runs with these settings: start it, start it anew, or leave it alone."""
    digests, noted, running = digests_of(settings), program.noted(), program.running()
    if running is not None:
        differing = changed(running.digests, digests)
        if differing:
            print(f"{program.name}: pid {running.pid} is started anew, as this changed: {', '.join(differing)}")
            program.stop()
        elif program.stays():
            print(f"{program.name}: already running, pid {running.pid}")
            return
        else:
            print(f"{program.name}: pid {running.pid} left just now (its end: {program.log}), it is started again")
    elif noted is not None:
        by = program.stopped_by()
        how = f"is gone without a word (its end: {program.log})" if by is None else f"was stopped by {by}"
        print(f"{program.name}: pid {noted.pid} {how}, it is started again")
    program.start(environ, digests)


def _down(folder: Path) -> None:
    for name in (WORKER, DISPATCHER, LEARNER):
        program = Program(name, folder)
        noted, ended = program.noted(), program.stop()
        if ended is not None:
            print(f"{name}: stopped")
        elif noted is not None:
            by = program.stopped_by()
            how = f"gone already, see {program.log}" if by is None else f"stopped by {by} already"
            print(f"{name}: pid {noted.pid} was {how}")
    kafka = folder / "kafka"
    pid = running_pid(kafka)
    if pid is not None:
        end(pid, str(kafka))
        (kafka / "broker.json").unlink(missing_ok=True)
        print(f"kafka: stopped; its data stay in {kafka}")


if __name__ == "__main__":
    sys.exit(main())
