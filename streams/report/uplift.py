"""What telling is worth as a report: how it was made, numbers, each signal in a sentence. Its JSON is a contract."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from models.uplift import ArmResult, Need, SignalUplift, Uplift
from streams.report.numbers import NONE, percent, points, points_apart, points_range, with_interval
from streams.report.table import Column
from streams.text.wording import counted

COLUMNS: Final = (
    Column("signal", "of the catalogue"),
    Column("told", "trials over in which the alert was sent"),
    Column("came back", "of these, with the 95 % interval, weighted to the mix of quarters of both arms"),
    Column("held out", "trials over in which nobody was told"),
    Column("came back ", "of these, the same"),
    Column("uplift", "told less held out, in points of per cent, with the 95 % interval (Newcombe)"),
    Column("still", "trials that are still to come until a true difference of the stated size would be seen"),
    Column("verdict", "whether telling changes who comes back, beyond chance"),
)
COUNT_COLUMNS: Final = (
    Column("signal", "of the catalogue"),
    Column("customers told", "different customers in trials that were told"),
    Column("customers held out", "the same of those held out"),
    Column("told, came back", "as counted, not weighted"),
    Column("held out, came back", "the same of those held out"),
    Column("apart", "trials in quarters of which one arm has none: left out of the difference"),
    Column("design effect", "by how much trials of the same customers make the variance larger"),
    Column("for this one", "trials of both arms at which a true difference as large as the present one would be seen"),
)


class MadeFromOutcomes(msgspec.Struct, frozen=True):
    """What a report was made from: files, or none where it was the topic; `catalogue` names the signals tried."""

    files: tuple[str, ...]
    bad_lines: int
    catalogue: str
    program: str


class UpliftReport(msgspec.Struct, frozen=True):
    """A whole report; `says` is what it says of each signal, in the order of the signals."""

    made: MadeFromOutcomes
    uplift: Uplift
    says: tuple[str, ...]
    schema_version: Literal[1] = 1


def report_on(made: MadeFromOutcomes, found: Uplift) -> UpliftReport:
    """Put the numbers in words."""
    return UpliftReport(made, found, tuple(map(sentence, found.signals)))


def sentence(one: SignalUplift) -> str:
    """What came of telling, as one would say it."""
    told, held = one.treated, one.holdout
    if one.difference is None or told.share is None or held.share is None:
        return _unknown(one)
    found = one.difference
    begin = (
        f"Of {told.trials:,} told {percent(told.share)} came back, of {held.trials:,} held out {percent(held.share)}"
    )
    ends = points_range(found.low, found.high)
    if one.verdict == "brings back":
        return f"{begin}: telling brings back {points(found.uplift)} points ({ends})."
    if one.verdict == "keeps away":
        return (
            f"{begin}: telling keeps them away, {points(found.uplift)} points ({ends}). Change what is done, or stop."
        )
    return f"{begin}: no difference beyond chance ({ends} points). {_needed(one.for_smallest)}".rstrip()


def _unknown(one: SignalUplift) -> str:
    told, held = one.treated.trials, one.holdout.trials
    if not told + held:
        return "No trial is over yet."
    if told and held:
        return f"Unknown: {told:,} told and {held:,} held out, but in no quarter both."
    side, missing = (f"{told:,} told", "held out") if told else (f"{held:,} held out", "told")
    return f"Unknown: {side}, and nobody {missing} whose trial is over."


def _needed(need: Need | None) -> str:
    """How long to wait to see a difference; nothing where it would have been seen by now."""
    if need is None or not need.trials:
        return ""
    size = points_apart(need.difference)
    if not need.still:
        return f"There are trials enough to see {size} points four times in five."
    long = "" if need.days is None else f", about {duration(need.days)} at the present pace"
    return f"To see {size} points takes {need.trials:,} trials, {need.still:,} more{long}."


def duration(days: int) -> str:
    """How long it takes, in a unit one can picture.

    >>> duration(1), duration(20), duration(200), duration(4000)
    ('1 day', '20 days', '7 months', '11 years')
    """
    if days < 60:
        return counted(days, "day")
    return f"{round(days / 30.4)} months" if days < 730 else f"{round(days / 365.25):,} years"


def rows(report: UpliftReport) -> list[tuple[str, ...]]:
    """Signal by signal."""
    return [
        (
            one.signal,
            f"{one.treated.trials:,}",
            _share(one.treated),
            f"{one.holdout.trials:,}",
            _share(one.holdout),
            NONE if (found := one.difference) is None
            else f"{points(found.uplift)} ({points_range(found.low, found.high)})",
            _still(one.for_smallest),
            one.verdict,
        )
        for one in report.uplift.signals
    ]  # fmt: skip


def count_rows(report: UpliftReport) -> list[tuple[str, ...]]:
    """What the shares come of."""
    return [
        (
            one.signal,
            f"{one.treated.customers:,}",
            f"{one.holdout.customers:,}",
            f"{one.treated.came_back:,}",
            f"{one.holdout.came_back:,}",
            f"{one.apart:,}",
            NONE if one.difference is None else f"{one.difference.design_effect:.2f}",
            NONE if one.for_present is None or one.for_present.trials is None else f"{one.for_present.trials:,}",
        )
        for one in report.uplift.signals
    ]


def _share(arm: ArmResult) -> str:
    if arm.share is None or arm.low is None or arm.high is None:
        return NONE
    return with_interval(arm.share, arm.low, arm.high)


def _still(need: Need | None) -> str:
    return NONE if need is None or need.still is None else f"{need.still:,}"
