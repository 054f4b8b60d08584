"""The broker by hand: `PYTHONPATH=deploy python -m kafka up|down|status|fetch` (the Makefile does)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from kafka.archive import archive_of, keep, writing
from kafka.cluster import Cluster, ClusterError, running_pid
from kafka.jars import JarError, ensure_jars
from kafka.java import JavaError, find_java
from kafka.process import end


def main() -> int:
    """Run one verb; 0 done, 1 it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m kafka", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("fetch", help="fetch the jars and find a Java")
    for verb, text in (("up", "start the broker of a folder"), ("down", "stop it"), ("status", "is it running?")):
        sub = verbs.add_parser(verb, help=text)
        sub.add_argument("--folder", type=Path, required=True)
        if verb == "up":
            sub.add_argument("--port", type=int, default=9092)
    given = parser.parse_args()
    try:
        return _fetch() if given.verb == "fetch" else _act(given.verb, given.folder.resolve(), given)
    except (ClusterError, JarError, JavaError) as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1


def _fetch() -> int:
    libs = ensure_jars()
    print(f"kafka: jars in {libs}, java {find_java()}")
    if not archive_of(libs).exists():
        _keep_classes(libs)
    return 0


def _keep_classes(libs: Path) -> None:
    """Start and end a broker once, so that all later ones start in half the time."""
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix="classes-") as folder:
        file = Path(folder) / "classes.jsa"
        Cluster(flags=writing(file)).start().stop(patience_s=60)
        print("kafka: classes kept for quick starts" if keep(file, libs) else "kafka: this Java keeps no classes")


def _act(verb: str, folder: Path, given: argparse.Namespace) -> int:
    pid = running_pid(folder)
    address = json.loads((folder / "broker.json").read_text())["bootstrap"] if pid else ""
    if verb == "up" and pid is None:
        started = time.monotonic()
        cluster = Cluster(folder, port=given.port).start()
        print(f"kafka: ready at {cluster.bootstrap} in {time.monotonic() - started:.1f} s, pid {cluster.pid}")
        return 0
    if verb == "down" and pid is not None:
        end(pid, str(folder))
        (folder / "broker.json").unlink(missing_ok=True)
        print(f"kafka: stopped; its data stay in {folder}")
        return 0
    print(f"kafka: running at {address}, pid {pid}" if pid else "kafka: not running")
    return 0 if pid or verb == "down" else 1


if __name__ == "__main__":
    sys.exit(main())
