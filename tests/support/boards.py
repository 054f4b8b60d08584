"""Alerts, changes of stage and metrics pages in one line, for tests of the board."""

from __future__ import annotations

from io import StringIO
from typing import Any

import msgspec

from models.calendar import Calendar, date_of
from schemas.alert import AlertV1, Money, alert_id
from schemas.instant import from_rfc3339
from schemas.stage import StageChangeV1, stage_change_id
from streams.board.board import Board, Deployment, Past, make_board
from streams.board.drawing import draw
from streams.board.figures import Look, parse_page
from streams.board.ledger import OutputLedger
from streams.text.terminal import terminal

TODAY = 20_500
"""The boundary the tests speak of, as a day number."""
UTC = Calendar("UTC")
NOW_MS = UTC.start_of(TODAY) + 3_600_000
DEPLOYMENT = Deployment(partitions=6, feeds=("purchase", "login"), calendar=UTC)


def instant(day: int) -> str:
    """The midnight that begins a day."""
    return UTC.text_of(day)


def alert(customer: str = "c1", signal: str = "loyal_gone_silent", *, day: int = TODAY, **more: Any) -> AlertV1:
    """A firing alert decided at the boundary `day`; `ends` is the boundary at which it is over."""
    ends: int | None = more.pop("ends", None)
    found = AlertV1(
        alert_id=alert_id(customer, signal, date_of(day)),
        revision=1 if ends is None else 2,
        status="firing" if ends is None else "resolved",
        signal=signal,
        polarity="negative",
        severity="error",
        summary=f"{signal} of {customer}.",
        customer_id=customer,
        stage="lapsed",
        owner="Retention",
        intervention="Call.",
        playbook_url="https://example.com/p",
        starts_at=instant(day),
        observed_at=instant(day),
        due_at=instant(day + 2),
        ends_at=None if ends is None else instant(ends),
        score=1.0,
        threshold=1.0,
        drivers=(),
        clears_when="a purchase",
        value_at_risk=Money(100.0, "USD"),
        corroborated_by=(),
        model=None,
        catalogue="abc",
        evidence=(),
        arm=None,
        historical=False,
    )
    return msgspec.structs.replace(found, **more)


def change(customer: str, day: int, from_stage: str | None, to_stage: str) -> StageChangeV1:
    """A change of stage at the boundary `day`."""
    return StageChangeV1(
        id=stage_change_id(customer, instant(day)),
        customer_id=customer,
        at=instant(day),
        from_stage=from_stage,
        to_stage=to_stage,
        cause="60 days of silence",
        days_in_previous=None,
        spend_so_far=Money(1.0, "USD"),
        historical=False,
        catalogue="abc",
    )


def page(*series: str, partitions: int = 6) -> str:
    """A metrics page: `page('churn_customers{stage="new"} 5')`; a boundary is always there."""
    owned = (
        f"churn_assigned_partitions {partitions}",
        f"churn_counted_partitions {partitions}",
        "churn_group_member 1",
        f"churn_boundary_timestamp_seconds {UTC.start_of(TODAY) / 1000}",
    )
    lines = [*owned, *series]
    names = dict.fromkeys(map(_name, lines))
    kinds = ((name, "counter" if name.endswith("_total") else "gauge") for name in names)
    return "".join(
        f"# TYPE {name.removesuffix('_total')} {kind}\n" + "".join(f"{line}\n" for line in lines if _name(line) == name)
        for name, kind in kinds
    )


def _name(line: str) -> str:
    return line.partition("{")[0].partition(" ")[0]


def look(*pages: str, at_s: float = 100.0, away: dict[str, str] | None = None) -> Look:
    """A look at workers `w1`, `w2`, …, which told these pages."""
    return Look(at_s, {f"w{number}": parse_page(text) for number, text in enumerate(pages, start=1)}, away or {})


def past_of(*outputs: AlertV1 | StageChangeV1) -> Past:
    """The past as these outputs tell it, in the order given."""
    ledger = OutputLedger(UTC)
    for output in outputs:
        ledger.take_alert(output) if isinstance(output, AlertV1) else ledger.take_stage(output)
    newest = from_rfc3339("2026-01-15T12:00:00Z")
    return Past(ledger.history(TODAY), TODAY, {"purchase": NOW_MS - 60_000, "login": newest})


def board(found: Look, past: Past | None = None, earlier: Look | None = None) -> Board:
    """The board of a look and a past."""
    return make_board(found, earlier, past or past_of(), DEPLOYMENT, NOW_MS)


def drawn(shown: Board, width: int, height: int) -> list[str]:
    """The lines of the board on a terminal of this size."""
    out = StringIO()
    terminal(file=out, width=width, height=height).print(draw(shown, width, height))
    return out.getvalue().rstrip("\n").split("\n")
