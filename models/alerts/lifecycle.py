"""The life of an alert, for all customers of a boundary at once: pending, firing, updated, ended, cooling down.

Each signal is asked `ends` of the customers with an open alert and `when` of the others; then a small state machine
moves: at most one revision of an alert a boundary. Nothing says when a customer must be looked at again.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.alerts.episode import NO_EPISODE, Revision, SignalAlerts
from models.catalogue.catalogue import Signal
from models.customers.arrays import Bools, Floats, Ints, Rows
from models.measures.as_of import AsOf
from schemas.alert import Status

_ROUNDING: Final = 1e-3
"""More than a score changes when it is rounded as published: comparisons are made exactly only this near a margin."""

FirstTrue = Callable[[Signal, int, int], int]
"""(signal, row, day) -> when on that day the condition became true, by event time."""


class Judgement:
    """One signal at one boundary, for the customers of a range of rows."""

    def __init__(self, alerts: SignalAlerts, as_of: AsOf, seen: Rows, starts: Ints, first_true_ms: FirstTrue) -> None:
        """`seen`: customers with activity, ascending. `starts`: NO_EPISODE by row, used while it judges."""
        self.alerts, self.signal, self.as_of = alerts, alerts.signal, as_of
        self.seen, self.starts = seen, starts
        self.boundary = as_of.boundary
        self.boundary_ms = as_of.basis.calendar.start_of(as_of.boundary)
        self.revisions: list[Revision] = []
        self._first_true_ms = first_true_ms
        self._low, self._high = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 0)

    def run(self, had_late: Rows, evidence: Rows, *, is_anew: bool) -> list[Revision]:
        """Carry the signal over the boundary; `evidence`: customers of whom early firing may have been decided.

        `is_anew`: by a catalogue that the open alerts do not know yet.
        """
        begun: dict[int, Status] = {}
        if self.signal.announced_feed is not None:
            begun = self._decide_early(np.union1d(had_late, evidence).astype(np.int32))
        places = self.alerts.open.within(self._low, self._high)
        rows = self.alerts.open.rows[places]
        is_seen = self._is_seen(rows)
        rows = rows[is_seen]
        self.starts[rows] = self.alerts.open.column("start")[places][is_seen]
        if len(rows):
            self._carry_on(rows, begun, is_anew=is_anew)
        self.starts[rows] = NO_EPISODE
        if self.signal.announced_feed is None:
            self._maybe_fire()
        return self.revisions

    def _is_seen(self, rows: Rows) -> Bools:
        """Who of some customers is judged: not those of whom no declared feed tells, by another catalogue."""
        if not len(self.seen):
            return np.zeros(len(rows), np.bool_)
        found: Bools = self.seen[np.minimum(np.searchsorted(self.seen, rows), len(self.seen) - 1)] == rows
        return found

    # -- open alerts

    def _carry_on(self, rows: Rows, begun: dict[int, Status], *, is_anew: bool) -> None:
        """Begun, ended, expired, updated or left alone."""
        table, signal = self.alerts.open, self.signal
        places = table.places(rows)
        start = table.column("start")[places]
        flags = self.as_of.customers.roster.flagged
        over = flags(signal.ends.condition.where(self.as_of, rows, self.starts))[rows]
        expired = np.zeros(len(rows), np.bool_)
        if signal.expires_days is not None:
            expired = self.boundary >= start + signal.expires_days
        ended = (start < self.boundary) & (over | expired)
        score = self._scores(rows)
        told = np.zeros(len(rows), np.bool_)
        told[np.searchsorted(rows, np.fromiter(begun, np.int32, len(begun)))] = True
        stage = self.as_of.columns.stage[rows]
        worse = self._may_be_worse(score, table.column("score")[places])
        changed = table.column("stage")[places] != stage
        if is_anew:
            changed |= (table.column("owner")[places] != signal.owner) | ~self._has_own_severity(rows, places)
        for at in np.flatnonzero(ended | told | changed | worse).tolist():
            row, place = int(rows[at]), int(places[at])
            if ended[at]:
                self._end(row, place, "resolved" if over[at] else "expired", is_begun=bool(told[at]))
            elif told[at]:
                self._tell(row, place, begun[row])
            else:
                self._update(row, place, _published(float(score[at])), is_changed=bool(changed[at]))
        if ended.any():
            kept = np.ones(len(table), np.bool_)
            kept[places[ended]] = False
            for row in rows[ended].tolist():
                self.alerts.corroborated.pop(row, None)
            self._cool_down(rows[ended], table.column("initial")[places[ended]])
            table.keep(kept)

    def _has_own_severity(self, rows: Rows, places: NDArray[np.intp]) -> Bools:
        """Whether an alert is as severe as the signal says; corroborated ones are weighed apart."""
        is_raised = np.array([row in self.alerts.corroborated for row in rows.tolist()], np.bool_)
        found: Bools = (self.alerts.open.column("severity")[places] == self.signal.severity) | is_raised
        return found

    def _update(self, row: int, place: int, score: float | None, *, is_changed: bool) -> None:
        """Publish what changed of an open alert, if anything did that is worth it."""
        table, signal = self.alerts.open, self.signal
        is_worse = signal.score.is_worse(score, _published(float(table.column("score")[place])))
        if not (is_worse or is_changed):
            return
        if is_worse and score is not None:
            table.column("score")[place] = score
        table.column("stage")[place] = self.as_of.columns.stage[row]
        table.column("owner")[place] = signal.owner
        if row not in self.alerts.corroborated:
            table.column("severity")[place] = signal.severity
        table.column("revision")[place] += 1
        self._tell(row, place, "updated")

    def _end(self, row: int, place: int, status: Status, *, is_begun: bool) -> None:
        table = self.alerts.open
        table.column("revision")[place] += not is_begun
        table.column("stage")[place] = self.as_of.columns.stage[row]
        self._tell(row, place, status)
        self.revisions[-1].ends_ms = self.boundary_ms

    def _tell(self, row: int, place: int, status: Status) -> None:
        self.revisions.append(revision_of(self.alerts, row, place, status))

    def _cool_down(self, rows: Rows, initial: Floats) -> None:
        """Remember when an alert ended and how bad it had begun; what has rested for long enough is forgotten."""
        cooling, rest = self.alerts.cooling, max(1, self.signal.cooldown_days)
        is_resting = (self.boundary < cooling.column("ended") + rest) & ~np.isin(cooling.rows, rows)
        cooling.keep(is_resting)
        cooling.add(rows, ended=self.boundary, initial=initial)

    # -- beginnings

    def _maybe_fire(self) -> None:
        """Begin an alert where the condition has held for long enough and the cool-down allows it."""
        alerts, signal = self.alerts, self.signal
        is_open = np.zeros(self.as_of.size, np.bool_)
        is_open[alerts.open.rows] = True
        free = self.seen[~is_open[self.seen]]
        true = signal.when.condition.where(self.as_of, free, self.starts)
        ready = self._persisting(true)
        if not len(ready):
            return
        score = self._scores(ready)
        firing = ready[~self._is_cooling(ready, score, rest_days=max(1, signal.cooldown_days))]
        if signal.persistence > 1:
            alerts.pending.keep(~np.isin(alerts.pending.rows, firing))
        self._begin(firing, self.boundary, score[np.isin(ready, firing)], np.full(len(firing), self.boundary_ms), 1)
        for row, place in zip(firing.tolist(), alerts.open.places(firing).tolist(), strict=True):
            self._tell(row, place, "firing")

    def _persisting(self, true: Rows) -> Rows:
        """Those of whom it has been true at as many boundaries in a row as the signal asks for."""
        if self.signal.persistence == 1:
            return true
        pending = self.alerts.pending
        outside = (pending.rows < self._low) | (pending.rows >= self._high)
        pending.keep(outside | np.isin(pending.rows, true))
        new = true[~pending.has(true)]
        pending.add(new, since=self.boundary)
        since = pending.column("since")[pending.places(true)]
        return true[self.boundary >= since + self.signal.persistence - 1]

    def _is_cooling(self, rows: Rows, score: Floats, *, rest_days: int) -> Bools:
        """Which customers' last alert ended so lately that only a worse one may begin; never one on the same day."""
        cooling = self.alerts.cooling
        found = cooling.has(rows)
        for at, place in zip(np.flatnonzero(found).tolist(), cooling.places(rows[found]).tolist(), strict=True):
            ended, initial = int(cooling.column("ended")[place]), float(cooling.column("initial")[place])
            rests = self.boundary < ended + rest_days
            is_worse = self.signal.score.is_worse(_published(float(score[at])), _published(initial))
            is_same_day = ended == self.boundary and self.signal.announced_feed is None
            found[at] = rests and (is_same_day or not is_worse)
        return found

    def _begin(self, rows: Rows, start: int, score: Floats, observed_ms: Ints, revision: Ints | int) -> None:
        scores = [np.nan if (value := _published(float(one))) is None else value for one in score]
        self.alerts.open.add(
            rows,
            start=start,
            revision=revision,
            severity=self.signal.severity,
            score=scores,
            stage=self.as_of.columns.stage[rows],
            owner=self.signal.owner,
            observed_ms=observed_ms,
            initial=scores,
        )

    def _decide_early(self, concerned: Rows) -> dict[int, Status]:
        """Confirm what was fired early on the day just closed, begin what was not, retract what is not so."""
        alerts, day = self.alerts, self.boundary - 1
        concerned = concerned[np.isin(concerned, self.seen)]
        free = concerned[~alerts.open.has(concerned)]
        true = self.signal.when.condition.where(self.as_of, free, self.starts)
        score = self._scores(true)
        allowed = ~self._is_cooling(true, score, rest_days=self.signal.cooldown_days)
        true, score = true[allowed], score[allowed]
        observed_ms = np.array([self._first_true_ms(self.signal, row, day) for row in true.tolist()], np.int64)
        is_known = np.array([day in alerts.early.get(row, ()) for row in true.tolist()], np.bool_)
        self._begin(true, day, score, observed_ms, np.where(is_known, 2, 1))
        begun: dict[int, Status] = {
            row: "updated" if known else "firing" for row, known in zip(true.tolist(), is_known.tolist(), strict=True)
        }
        self._retract(day)
        return begun

    def _retract(self, day: int) -> None:
        """Take back what was fired early and is not confirmed; what was fired on later days waits on."""
        alerts = self.alerts
        due = sorted(row for row, days in alerts.early.items() if days[0] <= day and self._low <= row < self._high)
        is_seen = self._is_seen(np.array(due, np.int32))
        for row in np.array(due, np.int32)[is_seen].tolist():
            place = alerts.open.place(row)
            start = None if place is None else int(alerts.open.column("start")[place])
            days = alerts.early.pop(row)
            for early in days:
                if early <= day and early != start:
                    self.revisions.append(
                        Revision(
                            row=row,
                            status="retracted",
                            start=early,
                            revision=2,
                            severity=self.signal.severity,
                            score=None,
                            stage=int(self.as_of.columns.stage[row]),
                            owner=self.signal.owner,
                            observed_ms=self.boundary_ms,
                            ends_ms=self.boundary_ms,
                        )
                    )
            if later := [early for early in days if early > day]:
                alerts.early[row] = later

    # -- scores

    def _scores(self, rows: Rows) -> Floats:
        """The signal's score of some customers, not rounded; NaN where unknown."""
        values, known = self.signal.score.term.term.read(self.as_of, rows, self.starts)
        found = np.broadcast_to(np.asarray(values, np.float64), len(rows)).copy()
        if known is not None:
            found[~np.broadcast_to(known, len(rows))] = np.nan
        return found

    def _may_be_worse(self, score: Floats, than: Floats) -> Bools:
        """Which scores are worse by the margin, or so near it that only the rounded ones tell."""
        margin = self.signal.score.margin - _ROUNDING
        with np.errstate(invalid="ignore"):
            found: Bools = score >= than + margin if self.signal.score.worse == "higher" else score <= than - margin
        return found


def revision_of(alerts: SignalAlerts, row: int, place: int, status: Status) -> Revision:
    """An open alert as a revision."""
    table = alerts.open
    score = float(table.column("score")[place])
    return Revision(
        row=row,
        status=status,
        start=int(table.column("start")[place]),
        revision=int(table.column("revision")[place]),
        severity=table.column("severity")[place],
        score=_published(score),
        stage=int(table.column("stage")[place]),
        owner=table.column("owner")[place],
        observed_ms=int(table.column("observed_ms")[place]),
        corroborated_by=alerts.corroborated.get(row, ()),
    )


def _published(score: float) -> float | None:
    """A score rounded as published, None when unknown."""
    return None if np.isnan(score) else round(score, 4)
