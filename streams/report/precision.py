"""How often signals are right as a report: numbers, and each signal and proposal in words. Its JSON is a contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from models.catalogue.rules import Signal
from models.precision import SignalPrecision
from streams.report.numbers import NONE, percent, share
from streams.report.table import Column
from streams.text.wording import sentence_of

COLUMNS: Final = (
    Column("signal", "of the catalogue"),
    Column("alerts", "that are known of, sent or held out"),
    Column("answered", "of these, by `outcome`: kept, lost or false_alarm"),
    Column("right by people", "of those answered, all but the false alarms, with the 95 % interval (Wilson)"),
    Column("held out", "trials over in which nobody was told"),
    Column("right observed", "of those held out, who stayed away through the horizon, with the 95 % interval"),
)


class PrecisionReport(msgspec.Struct, frozen=True):
    """A whole report; `says` and `proposes` are its words, in the order of the signals, empty where it says nothing."""

    files: tuple[str, ...]
    bad_lines: int
    catalogue: str
    program: str
    signals: tuple[SignalPrecision, ...]
    says: tuple[str, ...]
    proposes: tuple[str, ...]
    schema_version: Literal[1] = 1


def sentence(one: SignalPrecision) -> str:
    """How often a signal was right."""
    parts = []
    if one.by_people is not None:
        false = f"{one.words['false_alarm']:,} false"
        of = f"{one.answered:,} of {one.alerts:,} alerts" if one.alerts > one.answered else f"{one.answered:,} alerts"
        parts.append(
            f"people answered {of}: {one.words['kept']:,} kept, {one.words['lost']:,} lost, {false}; "
            f"right in {share(one.by_people)}"
        )
    if one.observed is not None:
        parts.append(f"of {one.held_out:,} held out {share(one.observed)} stayed away though nobody acted")
    if not parts:
        return ""
    return sentence_of(parts)


def proposed(one: SignalPrecision, signals: Mapping[str, Signal]) -> str:
    """A stricter threshold in words; empty without one."""
    found, signal = one.proposal, signals.get(one.signal)
    if found is None or signal is None:
        return ""
    score, threshold = signal.score.term.text, signal.score.threshold.text
    where = (
        f"`{score}` at {found.proposed:g} instead of {found.present:g}"
        if found.scale == "score"
        else f"`{score}` at {found.proposed:.2f} times `{threshold}`"
    )
    return (
        f"{where}. On {found.judged:,} alerts of other customers than it was found on, right would be "
        f"{share(found.after)} instead of "
        f"{percent(found.before.share)}. Of the false alarms {percent(found.false_dropped.share)} would not be raised, "
        f"of the right ones {percent(found.right_dropped.share)}."
    )


def rows(report: PrecisionReport) -> list[tuple[str, ...]]:
    """Signal by signal."""
    return [
        (
            one.signal,
            f"{one.alerts:,}",
            f"{one.answered:,}",
            NONE if one.by_people is None else share(one.by_people),
            f"{one.held_out:,}",
            NONE if one.observed is None else share(one.observed),
        )
        for one in report.signals
    ]
