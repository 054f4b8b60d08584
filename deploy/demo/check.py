"""Whether it all adds up: `replay` of the same events must say what the topics hold, and every event must count."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from demo.errors import DemoError
from demo.surroundings import ROOT, Place
from models.engine.ledger import total_counts
from schemas.topics import Topics
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions, read_topic

COMPARE = ROOT / "tests/tools/compare_alerts.py"
"""Knows nothing of the product: it compares ids, revisions and bytes."""


@dataclass(frozen=True, slots=True)
class Files:
    """Outputs as lines: what `replay` expects, and what the topics hold."""

    alerts: Path
    stages: Path


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of a comparison, and the sentence that the tool prints about it."""

    is_equal: bool
    text: str


class DemoReplay:
    """`churn-signals replay` of the same events at low priority, while the worker is at work."""

    def __init__(self, process: subprocess.Popen[bytes], expected: Files) -> None:
        self._process, self.expected = process, expected

    def wait(self) -> dict[str, Any]:
        """Its summary, when it is done. Raises DemoError."""
        out, err = self._process.communicate()
        if self._process.returncode:
            raise DemoError("replay", f"exit code {self._process.returncode}", err.decode().strip())
        summary: dict[str, Any] = orjson.loads(out)
        return summary


@contextmanager
def replay(place: Place, events: Path, until: str) -> Iterator[DemoReplay]:
    """Start it; it is gone when the block ends."""
    expected = Files(place.folder / "expected-alerts.jsonl", place.folder / "expected-stages.jsonl")
    outputs = ("--alerts", str(expected.alerts), "--stages", str(expected.stages), "--json")
    command = place.program("replay", str(events), "--until", until, *outputs)
    process = subprocess.Popen(
        ["nice", "-n", "10", *command],
        cwd=ROOT,
        env=place.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield DemoReplay(process, expected)
    finally:
        process.kill()
        process.communicate()


def collect(place: Place) -> Files:
    """Write down what the topics hold."""
    topics = Topics(place.settings.prefix)
    found = Files(place.folder / "alerts.jsonl", place.folder / "stages.jsonl")
    for topic, file in ((topics.alerts, found.alerts), (topics.stages, found.stages)):
        with file.open("wb") as opened:
            opened.writelines((value or b"null") + b"\n" for _, value in read_topic(place.settings, topic))
    return found


def compare(found: Path, expected: Path, *flags: str) -> Findings:
    """Compare with the tool of the tests."""
    command = [sys.executable, str(COMPARE), "--found", str(found), "--expected", str(expected), *flags]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return Findings(done.returncode == 0, (done.stdout + done.stderr).strip())


def outcomes(place: Place) -> Mapping[str, int]:
    """Distinct events by what became of them, from the records of the partitions."""
    partitions = read_partitions(place.settings, load_rules(place.settings))
    counts = total_counts(partition.ledger for partition in partitions.values())
    sums: dict[str, int] = {}
    for by_outcome in counts.values():
        for outcome, count in by_outcome.items():
            sums[outcome] = sums.get(outcome, 0) + count
    return sums
