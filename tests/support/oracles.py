"""What `churn-signals replay` says must be there, and the comparison of it with what a worker wrote."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

from support.program import ROOT, Outcome, environment, ran, run
from support.workers import Deployment

TOOLS = ROOT / "tests/tools"


@dataclass(frozen=True, slots=True)
class Expected:
    """The files of a replay."""

    alerts: Path
    stages: Path
    states: Path
    receipts: Path
    suppressed: Path
    outcomes: Path


def replay(
    history: Path,
    folder: Path,
    *,
    partitions: int,
    exclude: str = "",
    until: str = "",
    models: Path | None = None,
    commands: Path | None = None,
    more: Sequence[str] = (),
    **settings: str,
) -> Expected:
    """Run the oracle over an event file. `exclude`: ids of events to leave out, by line; `until`: as `tick --at`.

    `models`: a file of `model dump`; `commands`: one of commands; `more`: further options.
    """
    expected = Expected(
        folder / "alerts.jsonl",
        folder / "stages.jsonl",
        folder / "states.jsonl",
        folder / "receipts.jsonl",
        folder / "suppressed.jsonl",
        folder / "outcomes.jsonl",
    )
    files: tuple[tuple[str, Path], ...] = (
        ("--alerts", expected.alerts),
        ("--stages", expected.stages),
        ("--states", expected.states),
    )
    files += (("--receipts", expected.receipts), ("--suppressed", expected.suppressed))
    files += (("--outcomes", expected.outcomes),)
    outputs = [part for option, file in files for part in (option, str(file))]
    given: tuple[str, ...] = ("--until", until) if until else ()
    given += ("--models", str(models)) if models else ()
    given += ("--commands", str(commands)) if commands else ()
    if exclude:
        (folder / "excluded").write_text(exclude)
        given += ("--exclude", str(folder / "excluded"))
    common = {"alerts_from": "1970-01-01T00:00:00Z", "partitions": str(partitions)}
    done = run("replay", str(history), *outputs, *given, *more, **(common | settings))
    assert done.code == 0, done.err
    return expected


def of_others(expected: Expected, customers: Sequence[str]) -> Expected:
    """The same without what names some customers, such as those who are erased."""
    return Expected(*(_without(getattr(expected, one.name), customers) for one in fields(expected)))


def _without(file: Path, customers: Sequence[str]) -> Path:
    """The lines of a file that name none of these."""
    wanted = re.compile(b"|".join(re.escape(one.encode()) for one in customers))
    kept = file.with_suffix(".others.jsonl")
    kept.write_bytes(b"".join(line for line in file.read_bytes().splitlines(keepends=True) if not wanted.search(line)))
    return kept


@dataclass(frozen=True, slots=True)
class Findings:
    """How the four comparisons ended."""

    alerts: Outcome
    stages: Outcome
    states: Outcome
    open: Outcome

    @property
    def codes(self) -> tuple[int, int, int, int]:
        return self.alerts.code, self.stages.code, self.states.code, self.open.code

    def __str__(self) -> str:
        named = (("alerts", self.alerts), ("stages", self.stages), ("states", self.states), ("open", self.open))
        return "".join(f"{name}: {outcome.out}{outcome.err}" for name, outcome in named)


def compare(deployment: Deployment, expected: Expected) -> Findings:
    """Compare alerts, stages, states and the table of open alerts with the tools that know nothing of the product."""
    topics, place = deployment.topics, ("--bootstrap", deployment.broker.bootstrap, "--topic")
    with ThreadPoolExecutor() as threads:  # side by side: each waits for the broker
        alerts, stages, table = (
            threads.submit(_tool, "compare_alerts.py", *place, topic, "--expected", str(file), *flags)
            for topic, file, flags in (
                (topics.alerts, expected.alerts, ()),
                (topics.stages, expected.stages, ("--stages",)),
                (topics.alerts_open, expected.alerts, ("--open",)),
            )
        )
        states = threads.submit(_compare_states, deployment, expected)
        return Findings(alerts.result(), stages.result(), states.result(), table.result())


def compare_receipts(deployment: Deployment, expected: Expected) -> Outcome:
    """Compare what became of commands."""
    place = ("--bootstrap", deployment.broker.bootstrap, "--topic", deployment.topics.receipts)
    return _tool("compare_alerts.py", *place, "--expected", str(expected.receipts), "--receipts")


def compare_suppressed(deployment: Deployment, expected: Expected) -> Outcome:
    """Compare what was decided and not sent."""
    place = ("--bootstrap", deployment.broker.bootstrap, "--topic", deployment.topics.suppressed)
    return _tool("compare_alerts.py", *place, "--expected", str(expected.suppressed), "--suppressed")


def compare_outcomes(deployment: Deployment, expected: Expected) -> Outcome:
    """Compare what came of experiments."""
    place = ("--bootstrap", deployment.broker.bootstrap, "--topic", deployment.topics.outcomes)
    return _tool("compare_alerts.py", *place, "--expected", str(expected.outcomes), "--outcomes")


def _compare_states(deployment: Deployment, expected: Expected) -> Outcome:
    found = deployment.folder / "found-states.jsonl"
    done = run("customer", "--all", str(found), **deployment.settings)
    assert done.code == 0, done.err
    return _tool("compare_states.py", str(found), str(expected.states))


def _tool(name: str, *arguments: str) -> Outcome:
    return ran([sys.executable, str(TOOLS / name), *arguments], environment({}))
