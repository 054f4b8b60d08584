"""The life of an alert, for all customers of a boundary at once: pending, firing, updated, ended, cooling down.

Each signal is asked `ends` of the customers with an open alert and `when` of the others; then a small state machine
moves: at most one revision of an alert a boundary. Nothing says when a customer must be looked at again.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.alerts.cooling import close
from models.alerts.ending import is_over, why_ended
from models.alerts.episode import (
    NO_ANSWERS,
    NO_ARM,
    NO_EPISODE,
    Revision,
    Revisions,
    SignalAlerts,
    published,
    revisions_of,
)
from models.alerts.escalation import own_severity
from models.alerts.tables import RowTable
from models.catalogue.rules import Signal
from models.customers.arrays import Bools, Floats, Ints, Rows, Selection, among
from models.measures.as_of import AsOf
from schemas.alert import STATUS_OF_END, EndReason, Status

_ROUNDING: Final = 1e-3
"""More than a score changes when it is rounded as published: comparisons are made exactly only this near a margin."""

FirstTrue = Callable[[Signal, int, int], int]
"""(signal, row, day) -> when on that day the condition became true, by event time."""


class Judgement:
    """One signal at one boundary, for the customers of a range of rows."""

    def __init__(
        self, alerts: SignalAlerts, as_of: AsOf, low: int, high: int, starts: Ints, first_true_ms: FirstTrue
    ) -> None:
        """From row `low` up to and without `high`. `starts`: NO_EPISODE by row, used while it judges."""
        self.alerts, self.signal, self.as_of = alerts, alerts.signal, as_of
        self.starts, self.boundary = starts, as_of.boundary
        self.boundary_ms = as_of.basis.calendar.start_of(as_of.boundary)
        self.revisions = Revisions()
        self._low, self._high, self._first_true_ms = low, high, first_true_ms
        self._stages, self._refused = as_of.columns.stage, as_of.columns.refused

    def run(self, concerned: Rows, anew: Rows) -> Revisions:
        """Carry the signal over the boundary; `concerned`: customers of whom early firing may have been decided.

        `anew`: those whose open alerts this catalogue may not know yet.
        """
        begun: dict[int, Status] = {}
        if self.signal.announced_feed is not None:
            begun = self._decide_early(concerned)
        elif self.alerts.early:  # fired by a catalogue that announced it
            self._retract(self.boundary - 1)
        places = self._judged(self.alerts.open)
        if len(places):
            rows = self.alerts.open.rows[places]
            self.starts[rows] = self.alerts.open.column("start")[places]
            self._carry_on(rows, places, begun, among(rows, anew))
            self.starts[rows] = NO_EPISODE
        if self.signal.announced_feed is None:
            self._maybe_fire()
        return self.revisions

    def _judged(self, table: RowTable) -> NDArray[np.intp]:
        """The entries of who is judged."""
        span = table.within(self._low, self._high)
        places = np.arange(span.start, span.stop)
        return places[self._is_seen(table.rows[span])]

    def _is_seen(self, rows: Rows) -> Bools:
        """Who is to be seen, and everybody where the signal left."""
        return self.as_of.is_seen(rows) | self.signal.has_left

    # -- open alerts

    def _carry_on(self, rows: Rows, places: NDArray[np.intp], begun: dict[int, Status], is_anew: Bools) -> None:
        """Begun, ended, expired, updated or left alone."""
        table, signal, boundary = self.alerts.open, self.signal, self.boundary
        start = table.column("start")[places]
        over = is_over(signal, self.as_of, rows, self.starts)
        ended = over if signal.expires_days is None else over | (start <= boundary - signal.expires_days)
        ended = ended & (start < boundary)
        score = self._scores(rows)
        changed = table.column("stage")[places] != self._stages[rows]
        changed |= table.column("refused")[places] != self._refused[rows]
        if is_anew.any():
            changed[is_anew] |= self._is_revised(rows[is_anew], places[is_anew])
        is_told = ended | changed | self._may_be_worse(score, table.column("score")[places])
        if begun:
            is_told[rows.searchsorted(np.fromiter(begun, np.int32, len(begun)))] = True
        at = is_told.nonzero()[0]
        if not len(at):
            return
        because = why_ended(signal, self.as_of, rows[ended], over[ended], self.starts) if ended.any() else {}
        self._tell(self._verdicts(rows[at], places[at], (changed[at], score[at]), begun, because))
        if ended.any():
            close(self.alerts, rows[ended], places[ended], self.boundary)

    def _verdicts(
        self, rows: Rows, places: NDArray[np.intp], found: tuple[Bools, Floats], begun: dict[int, Status],
        because: dict[int, EndReason],
    ) -> "list[_Told]":  # fmt: skip
        """What is published of open alerts of which anything may be. `found`: what changed, and the scores now."""
        last = self.alerts.open.column("score")[places].tolist()
        changed, scores = (part.tolist() for part in found)
        told = []
        for number, (row, place) in enumerate(zip(rows.tolist(), places.tolist(), strict=True)):
            status = begun.get(row)
            if (reason := because.get(row)) is not None:
                told.append(_Told(row, place, STATUS_OF_END[reason], status is None, because=reason))
                continue
            if status is not None:
                told.append(_Told(row, place, status, is_next=False))
                continue
            score = published(scores[number])
            is_worse = self.signal.score.is_worse(score, published(last[number]))
            if is_worse or changed[number]:
                told.append(_Told(row, place, "updated", is_next=True, worse=score if is_worse else None))
        return told

    def _tell(self, told: "list[_Told]") -> None:
        """Move the open alerts on to what is told of them, and note the revisions."""
        if not told:
            return
        table, signal = self.alerts.open, self.signal
        rows, places = np.array([one.row for one in told], np.int32), np.array([one.place for one in told])
        table.column("stage")[places] = self._stages[rows]
        table.column("refused")[places] = self._refused[rows]
        table.column("revision")[places] += np.array([one.is_next for one in told])
        for one in told:
            if one.worse is not None:
                table.column("score")[one.place] = one.worse
            if one.status == "updated" and one.is_next:
                table.column("owner")[one.place] = signal.owner
                if one.row not in self.alerts.corroborated:
                    table.column("severity")[one.place] = own_severity(self.alerts, one.place)
        revisions = revisions_of(self.alerts, places, [one.status for one in told])
        for one, revision in zip(told, revisions, strict=True):
            revision.confirms = not one.is_next and revision.revision > 1
            if one.because is not None:
                revision.ends_ms, revision.ended_because = self.boundary_ms, one.because
        self.revisions += revisions

    def _is_revised(self, rows: Rows, places: NDArray[np.intp]) -> Bools:
        """Whether the signal has another owner than an alert, or severity; corroborated ones are weighed apart."""
        is_raised = np.array([row in self.alerts.corroborated for row in rows.tolist()], np.bool_)
        own = [own_severity(self.alerts, place) for place in places.tolist()]
        table = self.alerts.open
        found: Bools = (table.column("owner")[places] != self.signal.owner) | (
            (table.column("severity")[places] != np.array(own, object)) & ~is_raised
        )
        return found

    # -- beginnings

    def _maybe_fire(self) -> None:
        """Begin an alert where the condition has held for long enough and the cool-down allows it."""
        alerts, signal = self.alerts, self.signal
        ready = self._persisting(self._free_and_true(slice(self._low, self._high)))
        if not len(ready):
            return
        score = self._scores(ready)
        may_begin = ~self._is_cooling(ready, score, rest_days=max(1, signal.cooldown_days))
        firing = ready[may_begin]
        if signal.persistence > 1:
            alerts.pending.keep(~among(alerts.pending.rows, firing))
        if len(firing):
            self._begin(firing, self.boundary, score[may_begin], self.boundary_ms, 1)
            self.revisions += revisions_of(alerts, alerts.open.places(firing), ["firing"] * len(firing))

    def _free_and_true(self, chosen: Selection) -> Rows:
        """The customers of whom the condition is true, and no alert is open; nobody who was never active."""
        true = self.signal.when.condition.where(self.as_of, chosen, self.starts)
        if len(true):
            true = true[~self.alerts.open.has(true) & self._is_seen(true)]
        return true

    def _persisting(self, true: Rows) -> Rows:
        """Those of whom it has been true at as many boundaries in a row as the signal asks for."""
        if self.signal.persistence == 1:
            return true
        pending = self.alerts.pending
        outside = (pending.rows < self._low) | (pending.rows >= self._high)
        pending.keep(outside | among(pending.rows, true))
        pending.add(true[~pending.has(true)], since=self.boundary)
        since = pending.column("since")[pending.places(true)]
        return true[self.boundary >= since + self.signal.persistence - 1]

    def _is_cooling(self, rows: Rows, score: Floats, *, rest_days: int) -> Bools:
        """Which customers' last alert ended so lately that only a worse one may begin; never one on the same day."""
        cooling = self.alerts.cooling
        found = cooling.has(rows)
        if not found.any():
            return found
        for at, place in zip(found.nonzero()[0].tolist(), cooling.places(rows[found]).tolist(), strict=True):
            ended, initial = int(cooling.column("ended")[place]), float(cooling.column("initial")[place])
            rests = self.boundary < ended + rest_days
            is_worse = self.signal.score.is_worse(published(float(score[at])), published(initial))
            is_same_day = ended == self.boundary and self.signal.announced_feed is None
            found[at] = rests and (is_same_day or not is_worse)
        return found

    def _begin(self, rows: Rows, start: int, score: Floats, observed_ms: Ints | int, revision: Ints | int) -> None:
        scores = [np.nan if (value := published(one)) is None else value for one in score.tolist()]
        self.alerts.open.add(
            rows,
            start=start,
            case=NO_EPISODE,
            revision=revision,
            severity=self.signal.severity,
            score=scores,
            stage=self._stages[rows],
            refused=self._refused[rows],
            owner=self.signal.owner,
            observed_ms=observed_ms,
            initial=scores,
            sent_ms=observed_ms,
            arm=NO_ARM,
            is_sure=0,
            **NO_ANSWERS,
        )

    def _decide_early(self, concerned: Rows) -> dict[int, Status]:
        """Confirm what was fired early on the day just closed, begin what was not, retract what is not so."""
        alerts, day = self.alerts, self.boundary - 1
        concerned = concerned[(concerned >= self._low) & (concerned < self._high)] if len(concerned) else concerned
        true = self._free_and_true(concerned) if len(concerned) else concerned
        begun: dict[int, Status] = {}
        if len(true):
            score = self._scores(true)
            allowed = ~self._is_cooling(true, score, rest_days=self.signal.cooldown_days)
            true, score = true[allowed], score[allowed]
            rows = true.tolist()
            observed_ms = np.array([self._first_true_ms(self.signal, row, day) for row in rows], np.int64)
            is_known = [day in alerts.early.get(row, ()) for row in rows]
            self._begin(true, day, score, observed_ms, np.array(is_known, np.int32) + 1)
            begun = {row: "updated" if known else "firing" for row, known in zip(rows, is_known, strict=True)}
        if alerts.early:
            self._retract(day)
        return begun

    def _retract(self, day: int) -> None:
        """Take back what was fired early and is not confirmed; what was fired on later days waits on."""
        alerts = self.alerts
        due = sorted(row for row, days in alerts.early.items() if days[0] <= day and self._low <= row < self._high)
        rows = np.array(due, np.int32)
        for row in rows[self._is_seen(rows)].tolist():
            place = alerts.open.place(row)
            start = None if place is None else int(alerts.open.column("start")[place])
            days = alerts.early.pop(row)
            self.revisions += [self._retraction(row, early) for early in days if early <= day and early != start]
            if later := [early for early in days if early > day]:
                alerts.early[row] = later

    def _retraction(self, row: int, start: int) -> Revision:
        signal, stage, now_ms = self.signal, int(self._stages[row]), self.boundary_ms
        return Revision(row, "retracted", start, 2, signal.severity, None, stage, signal.owner, now_ms, now_ms,
                        ended_because="taken_back", refused=int(self._refused[row]), sent_ms=now_ms)  # fmt: skip

    # -- scores

    def _scores(self, rows: Rows) -> Floats:
        """The signal's score of some customers, not rounded; NaN where unknown."""
        values, known = self.signal.score.term.term.read(self.as_of, rows, self.starts)
        found = np.full(len(rows), values, np.float64)
        if known is not None:
            np.copyto(found, np.nan, where=~known)
        return found

    def _may_be_worse(self, score: Floats, than: Floats) -> Bools:
        """Which scores are worse by the margin, or so near it that only the rounded ones tell."""
        margin = self.signal.score.margin - _ROUNDING
        with np.errstate(invalid="ignore"):
            found: Bools = score >= than + margin if self.signal.score.worse == "higher" else score <= than - margin
        return found


class _Told(NamedTuple):
    """A new revision of an open alert; `is_next`: it was not counted yet. `worse`: its score, where it got worse.

    `because`: what became of it, where it ends.
    """

    row: int
    place: int
    status: Status
    is_next: bool
    worse: float | None = None
    because: EndReason | None = None
