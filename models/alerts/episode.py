"""An alert from its first revision to its last, as values; and all that is kept of a signal's alerts."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.alerts.tables import RowTable
from models.catalogue.rules import Signal
from models.customers.arrays import Rows, among
from schemas.alert import AlertSeverity, Arm, EndReason, Status
from schemas.suppressed import Rule

NO_EPISODE: Final = 1 << 30
"""First day of an episode where there is none."""
STILL_OPEN: Final = 1 << 30
"""The end of what has none yet: behind all days there are."""
NEVER_MS: Final = -1
"""When nobody acknowledged an alert, or it was not escalated."""

NO_ANSWERS: Final[Mapping[str, int | str]] = {
    "acknowledged_ms": NEVER_MS,
    "acknowledged_by": "",
    "outcome": "",
    "escalated_ms": NEVER_MS,
    "escalated_to": "",
}
"""What is kept of an open alert besides its judgement, named alike in its columns and its revisions."""


NO_ARM: Final = 0
TREATED: Final = 1
HELD_OUT: Final = 2
ARMS: Final[Sequence[Arm | None]] = (None, "treated", "holdout")
"""Of an experiment, by number."""


@dataclass(slots=True)
class Revision:
    """What is published of an episode at this moment, besides what the columns say.

    `start` and boundaries are day numbers; `stage` is a number of STAGE_NAMES, None before the day's review, which is
    told as 0 is. `case` is the first day of the case it belongs to, None before a review has said that. `refused` are
    the reasons not to contact the customer, as bits. `sent_ms`: since when its answer is owed, NEVER_MS while nobody
    was told of it; `snoozed_ms`: until when it is snoozed, and whether this revision `tells_snooze`. `arm`: a
    place in ARMS. `confirms`: it is the review's word on what was fired early, unless that is taken back.
    """

    row: int
    status: Status
    start: int
    revision: int
    severity: AlertSeverity
    score: float | None
    stage: int | None
    owner: str
    observed_ms: int
    ends_ms: int | None = None
    corroborated_by: tuple[str, ...] = ()
    case: int | None = None
    ended_because: EndReason | None = None
    refused: int = 0
    acknowledged_ms: int = NEVER_MS
    acknowledged_by: str = ""
    outcome: str = ""
    escalated_ms: int = NEVER_MS
    escalated_to: str = ""
    sent_ms: int = NEVER_MS
    arm: int = NO_ARM
    snoozed_ms: int = NEVER_MS
    tells_snooze: bool = False
    confirms: bool = False

    @property
    def was_sent(self) -> bool:
        """Whether anybody has been told of the alert before this revision."""
        return self.sent_ms != NEVER_MS and self.status != "firing" and (self.ends_ms is None or self.revision > 1)


class Revisions(list[Revision]):
    """What is told of a signal at a boundary. It only grows, until it is sent; who is looked up costs no walk."""

    def __init__(self) -> None:
        super().__init__()
        self._by_row: dict[int, list[Revision]] = {}
        self._noted = 0

    def of_row(self, row: int) -> Sequence[Revision]:
        """What is told of a customer."""
        while self._noted < len(self):
            self._by_row.setdefault(self[self._noted].row, []).append(self[self._noted])
            self._noted += 1
        return self._by_row.get(row, ())

    def of_episode(self, row: int, start: int) -> Revision | None:
        """What is told of a customer's episode that began on a day, None so far."""
        return next((one for one in self.of_row(row) if one.start == start), None)

    def begins(self, row: int) -> bool:
        """Whether an alert of a customer begins at this boundary."""
        return any(one.status == "firing" for one in self.of_row(row))


class EpisodeState(NamedTuple):
    """An episode's first day and first score, None where none is open; when the last one ended, and its first score.

    `was_sent`: whether anybody heard of the open one.
    """

    start: int | None
    score: float | None
    cooled: tuple[int, float | None] | None
    was_sent: bool = False


class Walk(NamedTuple):
    """How it stood with a customer's early episodes when the days before `until` were gone through.

    `reached` is the last of these with evidence. It holds as long as the customer's last review is `reviewed`, and
    `counted` all that is counted of the days before `until`, and `words` all that was said.
    """

    reviewed: int
    until: int
    counted: int
    reached: int
    state: EpisodeState
    words: Sequence[object]


@dataclass(slots=True)
class SignalAlerts:
    """The alerts of one signal: open ones, customers who cool down or wait to fire, and what was fired early.

    `initial` is the score an episode began with: what a new one within the cool-down must exceed. NaN stands for an
    unknown score, NO_EPISODE for a case that is not known yet. `early` holds by row the days for which a first revision
    was published before their review. `is_sure`: of what an outage holds, whether the days that are known bear it out.
    """

    signal: Signal
    open: RowTable = field(
        default_factory=lambda: RowTable(
            {
                "start": np.int32,
                "case": np.int32,
                "revision": np.int32,
                "severity": object,
                "score": np.float64,
                "stage": np.int8,
                "refused": np.int8,
                "owner": object,
                "observed_ms": np.int64,
                "initial": np.float64,
                "acknowledged_ms": np.int64,
                "acknowledged_by": object,
                "outcome": object,
                "escalated_ms": np.int64,
                "escalated_to": object,
                "sent_ms": np.int64,
                "arm": np.int8,
                "is_sure": np.int8,
            }
        )
    )
    cooling: RowTable = field(default_factory=lambda: RowTable({"ended": np.int32, "initial": np.float64}))
    pending: RowTable = field(default_factory=lambda: RowTable({"since": np.int32}))
    early: dict[int, list[int]] = field(default_factory=dict)
    corroborated: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """By row, the signals whose open alerts make this one critical."""
    snoozed: dict[int, int] = field(default_factory=dict)
    """By row, the instant until which nothing of the signal is sent."""
    trials: RowTable = field(default_factory=lambda: RowTable({"start": np.int32, "arm": np.int8}))
    """Alerts that are part of an experiment, until their horizon is over: since when, and which arm they are in."""
    held: dict[int, Rule] = field(default_factory=dict)
    """By row, what holds the open alert: it is told of once nothing does."""
    walks: dict[int, Walk] = field(default_factory=dict)
    """By row, what an event of the same day need not go through again."""

    def erase(self, rows: Rows) -> None:
        """Forget all that is kept of some customers."""
        for table in (self.open, self.cooling, self.pending, self.trials):
            table.keep(~among(table.rows, rows))
        for row in rows.tolist():
            for of in (self.early, self.corroborated, self.snoozed, self.held, self.walks):
                of.pop(row, None)

    def wake(self, now_ms: int) -> None:
        """Forget the snoozes that are over by an instant."""
        if self.snoozed:
            self.snoozed = {row: until_ms for row, until_ms in self.snoozed.items() if until_ms > now_ms}

    def still_cooling(self, boundary: int) -> RowTable:
        """Those whose rest lasts longer than this boundary. By a catalogue with a longer one nobody rests again."""
        found = copy(self.cooling)
        found.keep(boundary + 1 < found.column("ended") + self.signal.cooldown_days)
        return found


def revision_of(alerts: SignalAlerts, row: int, place: int, status: Status) -> Revision:
    """An open alert as a revision."""
    assert alerts.open.rows[place] == row
    return revisions_of(alerts, np.array([place]), [status])[0]


def revisions_of(alerts: SignalAlerts, places: NDArray[np.intp], statuses: Sequence[Status]) -> list[Revision]:
    """Open alerts as revisions."""
    table = alerts.open
    columns = [
        table.column(name)[places].tolist()
        for name in (
            "start",
            "case",
            "revision",
            "severity",
            "score",
            "stage",
            "owner",
            "observed_ms",
            "refused",
            *NO_ANSWERS,
            "sent_ms",
            "arm",
        )
    ]
    corroborated = alerts.corroborated
    found = [
        Revision(row, status, start, revision, severity, published(score), stage, owner, observed_ms, None,
                 corroborated.get(row, ()), None if case == NO_EPISODE else case, None, *kept)
        for row, status, start, case, revision, severity, score, stage, owner, observed_ms, *kept
        in zip(table.rows[places].tolist(), statuses, *columns, strict=True)
    ]  # fmt: skip
    for one in found if alerts.snoozed else ():
        one.snoozed_ms = alerts.snoozed.get(one.row, NEVER_MS)
    return found


def revisions_at_hand(of: SignalAlerts, revisions: Revisions, places: NDArray[np.intp]) -> list[Revision]:
    """What is published of open alerts, a place each, at this boundary: further revisions where there are none yet."""
    rows, starts = of.open.rows[places].tolist(), of.open.column("start")[places].tolist()
    known = [revisions.of_episode(row, start) for row, start in zip(rows, starts, strict=True)]
    further = places[[one is None for one in known]]
    if len(further):
        of.open.column("revision")[further] += 1
        revisions += revisions_of(of, further, ["updated"] * len(further))
    new = iter(revisions[len(revisions) - len(further) :])
    return [next(new) if one is None else one for one in known]


def revision_at_hand(of: SignalAlerts, revisions: Revisions, place: int) -> Revision:
    """The same of one alert."""
    return revisions_at_hand(of, revisions, np.array([place]))[0]


def published(score: float) -> float | None:
    """A score rounded as published, None when unknown."""
    return None if score != score else round(score, 4) + 0.0  # noqa: PLR0124 - not a number
