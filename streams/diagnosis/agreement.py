"""Whether the settings of this process are those that a running group's state was made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from typing import TypeVar

from models.calendar import date_of
from models.catalogue.rules import Rules
from models.engine.frozen import SNAPSHOT_FORMAT
from schemas.erasure import erased_name
from streams.diagnosis.observation import Observation
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.readback.decided import Decided, read_decided
from streams.settings import Settings, variable_of
from streams.text.wording import counted
from streams.transport.snapshots.records import OTHER_FORMAT

Value = TypeVar("Value")


def look_at_state(settings: Settings) -> Iterator[Observation]:
    """What a worker with these settings would do with the state that is there: go on, judge anew, or refuse it."""
    try:
        found = read_decided(settings)
        rules = load_rules(settings)
    except SetupError as error:
        yield Observation("state", "problem", str(error))
        return
    differs = list(differences(found.values(), rules))
    yield from differs
    if not differs:
        since = sorted({one.judged_by[-1][0] for one in found.values() if len(one.judged_by) > 1})
        told = f" since {', '.join(map(date_of, since))} (`catalogue history`)" if since else ""
        text = f"{counted(len(found), 'partition')} with a snapshot, in this zone and judged by this catalogue{told}"
        yield Observation("state", "ok", text)


def differences(found: Collection[Decided], ours: Rules) -> Iterator[Observation]:
    """One for whatever a worker with our rules refuses, and for each other catalogue, whose place ours takes later."""
    basis = ours.basis
    zone, salt = basis.calendar.zone, erased_name(basis.erasure_salt, "")
    anew = f"begin anew with another {variable_of('app_version')}"
    for written, of in _by(found, lambda one: one.state_format, (None, SNAPSHOT_FORMAT)):
        known = f"format {written}" if written else "an earlier format"
        what = f"{of} with a snapshot of {known}, but this program reads {SNAPSHOT_FORMAT}"
        yield Observation("state", "problem", f"{what}: a worker stops. {OTHER_FORMAT}")
    for other, of in _by(found, lambda one: one.zone, (zone,)):
        what = f"{of} with days of {other}, but {variable_of('zone')} is {zone} here"
        yield Observation(
            "state", "problem", f"{what}: a worker with it stops. To mend it, set it to {other}, or {anew}"
        )
    for other, of in _by(found, lambda one: one.currency, ("", basis.currency)):
        what = f"{of} with amounts in {other}, but the catalogue's currency is {basis.currency} here"
        yield Observation("state", "problem", f"{what}: a worker with it stops. Set `currency` back, or {anew}")
    for _, of in _by(found, lambda one: one.salt, ("", salt)):
        what = f"{of} whose erased customers were hashed with another {variable_of('erasure_salt')} than is set here"
        yield Observation("state", "problem", f"{what}: a worker with it stops. Set it back to what it was")
    for other, of in _by(found, lambda one: one.catalogue, ("", ours.hash)):
        what = f"{of} last judged by catalogue {other}, here it is {ours.hash}"
        then = "a worker started with it judges everybody by it from the next midnight on (see `catalogue history`)"
        yield Observation("state", "warning", f"{what}: {then}. Give all workers the same {variable_of('catalogue')}")


def _by(
    found: Iterable[Decided], value_of: Callable[[Decided], Value], expected: Container[Value]
) -> list[tuple[Value, str]]:
    """How many partitions have each value that is not expected."""
    counts = Counter(value for one in found if (value := value_of(one)) not in expected)
    return [
        (value, counted(count, "partition")) for value, count in sorted(counts.items(), key=lambda pair: str(pair[0]))
    ]
