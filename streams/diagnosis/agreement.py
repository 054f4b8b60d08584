"""Whether the settings of this process are those that a running group's state was made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from models.calendar import date_of
from streams.diagnosis.observation import Observation
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.readback.decided import Decided, read_decided
from streams.settings import Settings, variable_of
from streams.text.wording import counted


def look_at_state(settings: Settings) -> Iterator[Observation]:
    """What a worker with these settings would do with the state that is there: go on, judge anew, or refuse it."""
    try:
        found = read_decided(settings)
        rules = load_rules(settings)
    except SetupError as error:
        yield Observation("state", "problem", str(error))
        return
    differs = list(differences(found.values(), zone=settings.zone, catalogue=rules.hash))
    yield from differs
    if not differs:
        since = sorted({one.judged_by[-1][0] for one in found.values() if len(one.judged_by) > 1})
        told = f" since {', '.join(map(date_of, since))} (`catalogue history`)" if since else ""
        text = f"{counted(len(found), 'partition')} with a snapshot, in this zone and judged by this catalogue{told}"
        yield Observation("state", "ok", text)


def differences(found: Collection[Decided], *, zone: str, catalogue: str) -> Iterator[Observation]:
    """One for each other zone (a worker refuses that) and each other catalogue (it takes over at a midnight)."""
    for other, count in sorted(Counter(one.zone for one in found if one.zone != zone).items()):
        what = f"{counted(count, 'partition')} with days of {other}, but {variable_of('zone')} is {zone} here"
        remedy = f"set it to {other}, or begin anew with another {variable_of('app_version')}"
        yield Observation("state", "problem", f"{what}: a worker with it stops. To mend it, {remedy}")
    others = Counter(one.catalogue for one in found if one.catalogue not in ("", catalogue))
    for other, count in sorted(others.items()):
        what = f"{counted(count, 'partition')} last judged by catalogue {other}, here it is {catalogue}"
        then = "a worker started with it judges everybody by it from the next midnight on (see `catalogue history`)"
        text = f"{what}: {then}. Give all workers the same {variable_of('catalogue')}"
        yield Observation("state", "warning", text)
