"""The rows of a report of hit rates: as texts, for the terminal and for the page."""

from __future__ import annotations

from typing import Final

from models.hit_rate.leaving import LeavingTime
from models.hit_rate.rates import SignalHits
from streams.report.hits import HitReport
from streams.report.numbers import NONE, percent, points, points_range, share, spread
from streams.report.table import Column

SIGNAL_COLUMNS: Final = (
    Column("signal", "of the catalogue; the one that tells most comes first"),
    Column("alerts", "alerts whose horizon is over, and which are judged here"),
    Column("came back", "of these, who came back by themselves within the horizon, with the 95 % interval (Wilson)"),
    Column("alike", "of everybody alike, weighted to the same mix, who came back within the same horizon"),
    Column(
        "difference",
        "the alerted to whom somebody is alike less those alike, in points of per cent, with the 95 % interval",
    ),
    Column("beyond", "difference x alerts, in the direction foretold: came true beyond those alike. The rank"),
    Column("left", "of the alerts judged, who left within the horizon: became dormant, or stayed so"),
    Column("verdict", "whether it tells more than the stage and the silence do, beyond chance"),
)
LEAD_COLUMNS: Final = (
    Column("signal", "of the catalogue"),
    Column("followed", "alerts followed until a silence that began then must have led to dormancy"),
    Column("dormant at once", "customers who were dormant or churned already when the alert began"),
    Column("became dormant", "without having come back before"),
    Column("days until dormant", "of these, as quartiles: a quarter/half/three quarters within"),
    Column("became churned", "the same for churned, of alerts followed for so long"),
    Column("days until churned", "of these, as quartiles"),
    Column("cut off", "alerts too young to be followed until dormancy, left out: short times would show first"),
)
COUNT_COLUMNS: Final = (
    Column("signal", "of the catalogue"),
    Column("owner", "who answers it"),
    Column("began", "alerts that began in this history"),
    Column("customers", "different customers alerted"),
    Column("horizon not over", "alerts too young to be judged, left out everywhere above"),
    Column("nobody alike", "alerts judged that nobody was alike to, left out of the difference"),
    Column("taken back", "fired early and not confirmed at midnight, left out everywhere"),
)


def signal_rows(report: HitReport) -> list[tuple[str, ...]]:
    """How often those alerted came back, against everybody alike."""
    return [_signal_row(one) for one in report.rates.signals]


def _signal_row(one: SignalHits) -> tuple[str, ...]:
    found = one.compared
    judged = one.alerts - one.waiting
    alike = difference = beyond = NONE
    if found is not None:
        alike = percent(found.alike)
        difference = f"{points(found.difference)} ({points_range(found.low, found.high)})"
    if one.excess is not None:
        beyond = f"{one.excess.alerts:,.0f}"
    return (
        one.signal,
        f"{judged:,}",
        share(one.came_back),
        alike,
        difference,
        beyond,
        NONE if one.left is None else percent(one.left.share),
        one.verdict,
    )


def lead_rows(report: HitReport) -> list[tuple[str, ...]]:
    """How long after the alert customers left, of signals that foretell it."""
    return [
        (
            one.signal,
            f"{one.dormant.followed:,}",
            f"{one.dormant.already:,}",
            *_reached(one.dormant),
            *_reached(one.churned),
            f"{one.dormant.cut_off:,}",
        )
        for one in report.rates.signals
        if one.polarity == "negative" and one.alerts
    ]


def _reached(times: LeavingTime) -> tuple[str, str]:
    asked = times.followed - times.already
    return (f"{times.reached:,} of {asked:,}" if asked else NONE, spread(times.days))


def count_rows(report: HitReport) -> list[tuple[str, ...]]:
    """How many alerts there were, and which of them are not judged."""
    return [
        (
            one.signal,
            one.owner,
            *(f"{number:,}" for number in (one.alerts, one.customers, one.waiting, one.alone, one.taken_back)),
        )
        for one in report.rates.signals
    ]
