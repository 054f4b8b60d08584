"""What a broker needs, fetched: `PYTHONPATH=deploy python -m kafka fetch` (the Makefile does)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from kafka.archive import archive_of, keep, writing
from kafka.cluster import Cluster, ClusterError
from kafka.jars import JarError, ensure_jars
from kafka.java import JavaError, find_java


def main() -> int:
    """Fetch; 0 done, 1 it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m kafka", description=__doc__)
    parser.add_subparsers(required=True).add_parser("fetch", help="fetch the jars and find a Java")
    parser.parse_args()
    try:
        return _fetch()
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


if __name__ == "__main__":
    sys.exit(main())
