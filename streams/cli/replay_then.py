"""`replay --then DAY=FILE`: other catalogues in the course of a history, taken up as by a worker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import click

from models.calendar import date_of
from models.engine.replay import Replay, Then
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.settings import Settings
from streams.text.terminal import complain

_EPOCH: Final = date(1970, 1, 1)
_FORM: Final = re.compile(r"(?:(\d{1,5}):)?(\d{4}-\d\d-\d\d)=(.+)")


class GivenThen(NamedTuple):
    """The last day that is not the catalogue's, the catalogue, and the partition (None: all)."""

    day: int
    path: Path
    partition: int | None

    @property
    def named(self) -> str:
        """As it was given."""
        place = "" if self.partition is None else f"{self.partition}:"
        return f"{place}{date_of(self.day)}={self.path}"


class _ThenType(click.ParamType):
    name = "[partition:]day=file"

    def convert(self, value: str | GivenThen, param: click.Parameter | None, ctx: click.Context | None) -> GivenThen:
        """Taken apart; the file is there."""
        if isinstance(value, GivenThen):
            return value
        found = _FORM.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not of the form 2026-03-01=mine.yaml, or 3:2026-03-01=mine.yaml", param, ctx)
        try:
            day = (date.fromisoformat(found[2]) - _EPOCH).days
        except ValueError:
            self.fail(f"{value!r}: there is no day {found[2]}", param, ctx)
        if day < 0:
            self.fail(f"{value!r}: no event is of before 1970", param, ctx)
        path = Path(found[3])
        if not path.is_file():
            self.fail(f"{value!r}: there is no file {path}", param, ctx)
        return GivenThen(day, path, None if found[1] is None else int(found[1]))


THEN: Final = _ThenType()


def catalogues_then(given: Sequence[GivenThen], settings: Settings, partitions: int) -> tuple[Then, ...]:
    """What is taken up when, in order of days. Raises SetupError."""
    seen: dict[int, set[int | None]] = {}
    for one in given:
        if one.partition is not None and one.partition >= partitions:
            remedy = f"They are numbered from 0 to {partitions - 1}; set CHURN_PARTITIONS, or give --partitions."
            raise SetupError(f"--then {one.named}", f"there is no partition {one.partition}", remedy)
        of_day = seen.setdefault(one.day, set())
        if one.partition in of_day or (of_day and None in (one.partition, *of_day)):
            value = f"a partition gets two catalogues behind {date_of(one.day)}"
            raise SetupError(f"--then {one.named}", value, "Leave one of them out.")
        of_day.add(one.partition)
    rules = {path: load_rules(settings.replace(catalogue=path)) for path in {one.path for one in given}}
    for one in given:
        if rules[one.path].basis.currency != load_rules(settings).basis.currency:
            value = f"its currency is {rules[one.path].basis.currency}, amounts before it are in another one"
            raise SetupError(f"--then {one.named}", value, "Set `currency` back, or replay all of it by one catalogue.")
    ordered = sorted(given, key=lambda one: one.day)
    return tuple(Then(one.day + 1, rules[one.path], one.partition) for one in ordered)


def check_begins_before(given: Sequence[GivenThen], first_day: int | None) -> None:
    """Raise SetupError where a history begins when another catalogue is in force already."""
    for one in given if first_day is not None else ():
        if one.day < (first_day or 0):
            value = f"the history begins on {date_of(first_day or 0)}, behind that day"
            raise SetupError(f"--then {one.named}", value, "Give that catalogue with --catalogue.")


def say_not_reached(given: Sequence[GivenThen], engine: Replay) -> None:
    """Say which catalogue decided nothing, as the history ended before."""
    for one in given:
        own = [p for p in engine.partitions if one.partition in (None, p.number)]
        if all(partition.boundary <= one.day for partition in own):
            complain(f"--then {one.named}: decided nothing, as no midnight behind that day was passed (see --until)")
