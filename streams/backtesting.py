"""Everything a backtest does beside learning: reads events, finds days and currency, shows progress, writes scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from models.calendar import date_of
from models.config import Basis
from models.labels import Question
from models.learning.backtest import Backtest, Plan
from models.learning.churn import PRIOR
from models.learning.evaluation import report
from models.learning.histories import Folded, fold_history
from models.scoring.features import has_purchases
from models.scoring.scorer import Floats
from schemas.event import PURCHASE, Purchase
from schemas.instant import to_rfc3339
from schemas.model import encode_committee
from streams.comparison.refitting import refit
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.files.history import History, Rejects, read_history
from streams.files.mapping_file import load_mapping
from streams.files.reading import EventFile
from streams.settings import Settings
from streams.text.terminal import complain, terminal

WARM_UP_DAYS: Final = 7
"""Days of history before the first snapshot, when none is named; snapshots then fall on Mondays."""

_MONDAY: Final = 4
"""Day number 4 was one: 1970-01-05."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for; days that were not named are found in the data."""

    question: Question
    step_days: int
    first_snapshot: datetime | None
    evaluate_from: datetime | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Events read and folded, and the plan for them."""

    history: History
    folded: Folded
    basis: Basis
    plan: Plan


def prepare(
    files: Sequence[Path | EventFile],
    mapping: str | None,
    settings: Settings,
    wanted: Wanted,
    *,
    rejects: Rejects | None = None,
) -> Prepared:
    """Read the events, say what became of them, lay out the days. Raises SetupError if nothing could be learned."""
    history = read_history(files, load_mapping(mapping) if mapping else None, rejects=rejects)
    for sentence in history.sentences():
        complain(sentence)
    basis = load_rules(settings).basis
    if not has_purchases(basis):
        raise SetupError("catalogue", "declares no feed of purchases", "The model asks whether customers buy again.")
    if not any(event.feed == PURCHASE for event in history.events):
        raise SetupError("event files", "hold no purchase", "The model asks whether customers buy again.")
    if settings.catalogue is None:
        basis = _in_currency_of(history, basis)
    folded = fold_history(history.decoded(), basis)
    return Prepared(history, folded, basis, _plan(wanted, folded, history, basis))


def _in_currency_of(history: History, basis: Basis) -> Basis:
    """The default catalogue with the currency of the first purchase, when it knows no rate for it."""
    first_ms = next(event.time_ms for event in history.events if event.feed == PURCHASE)
    found = set()
    for stored, event in zip(history.events, history.decoded(), strict=True):
        if stored.time_ms > first_ms:
            break
        if isinstance(event.data, Purchase):
            found.add(event.data.currency)
    if found & set(basis.rates):
        return basis
    currency = min(found)
    return replace(basis, currency=currency, rates={currency: 1.0})


def _plan(wanted: Wanted, folded: Folded, history: History, basis: Basis) -> Plan:
    opened = basis.calendar.day_of(history.events[0].time_ms)
    earliest = opened + WARM_UP_DAYS
    first = earliest + (_MONDAY - earliest) % 7 if wanted.first_snapshot is None else _day(wanted.first_snapshot)
    judged = (
        first + wanted.question.horizon_days * 3 // 2 if wanted.evaluate_from is None else _day(wanted.evaluate_from)
    )
    if not opened < first <= folded.last_day:
        span = f"{date_of(opened)} to {date_of(folded.last_day)}"
        raise SetupError("--first-snapshot", date_of(first), f"A day within the history, which is {span}.")
    prior = PRIOR if basis.learning is None else basis.learning.prior
    return Plan(wanted.question, first, judged, folded.last_day, wanted.step_days, prior)


def _day(named: datetime) -> int:
    return named.toordinal() - date(1970, 1, 1).toordinal()


def run_backtest(prepared: Prepared, compared: list[str]) -> tuple[Backtest, dict[str, Floats]]:
    """Run it, and refit what it is compared with, under a progress bar where somebody looks."""
    run = Backtest(prepared.folded, prepared.plan)
    plan = prepared.plan
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[day]}"), TimeRemainingColumn())
    console = terminal(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        learning = progress.add_task("learning", total=plan.last_day + 2 - plan.first_snapshot, day="")
        for boundary in run.run():
            progress.update(learning, advance=1, day=date_of(boundary))
        others = {}
        for name in compared:
            task = progress.add_task(f"refitting {name}", total=len(run.judged()), day="")
            others[name] = refit(name, run, lambda task=task: progress.advance(task))  # type: ignore[misc] # bound now
    return run, others


def told(prepared: Prepared, run: Backtest, others: Mapping[str, Floats]) -> dict[str, Any]:
    """The report, with what only the reader of the files knows."""
    folded = prepared.folded
    result = report(run, others)
    result["data"] |= {
        "files": [file.name for file in prepared.history.files],
        "events": folded.events,
        "duplicates": folded.duplicates,
        "amounts_without_rate": folded.without_rate,
        "bad_lines": len(prepared.history.bad),
        "currency": prepared.basis.currency,
    }
    result["model_bytes"] = len(encode_committee(run.committee.to_state()))
    return result


def write_predictions(write: Callable[[bytes], object], prepared: Prepared, run: Backtest) -> None:
    """CSV: one row for each snapshot and customer at risk, in the order of time, then of ids."""
    write(b"customer_id,snapshot_time,probability\n")
    for frame in run.frames.values():
        at = to_rfc3339(prepared.basis.calendar.start_of(frame.snapshot))
        for place, chance in zip(frame.customers.tolist(), frame.chance.tolist(), strict=True):
            write(f"{run.customers[place]},{at},{chance:.9f}\n".encode())
