"""A review: everybody is judged as of a boundary, all at once, or some rows at a time where customers are many.

1. The day before the boundary is closed: open arrivals become columns, clocks and windows move on.
2. Snapshots of the model: labels that became known, scores of whose day it is.
3. For a range of rows: stages, then each signal (`ends` of open alerts, `when` of the others), cases, corroboration.
4. What changed is written as alerts and stage changes.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from models.alerts.answers import Due
from models.alerts.attention.rules import Held
from models.alerts.early import FeedDays, begins, first_true_ms
from models.alerts.episode import NO_EPISODE, Revision, Revisions, SignalAlerts
from models.alerts.lifecycle import Judgement
from models.alerts.outages import FeedAlerts
from models.alerts.payload import EVIDENCE_DAYS, AlertFacts, Writer, newest, one_a_customer
from models.alerts.worth import money_of
from models.calendar import in_days
from models.catalogue.rules import Rules, Signal
from models.catalogue.terms import Value
from models.config import Number
from models.customers.arrays import NO_ROWS, Ints, Rows
from models.customers.clocks import recount
from models.customers.columns import NEVER, STAGE_NAMES
from models.customers.customers import Customers
from models.customers.stages import NONE, silent_days
from models.engine.followup import FollowUp
from models.engine.reach import reach_of, windows_of
from models.measures.as_of import AsOf
from models.measures.windows import Windows
from models.scoring.scoring import Scoring
from models.scoring.version import Version
from schemas.alert import AlertV1
from schemas.erasure import ErasureV1
from schemas.event import PURCHASE
from schemas.example import LessonV1, ProgressV1
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.reviewed import ReviewedV1
from schemas.stage import StageChangeV1, stage_change_id
from schemas.suppressed import SuppressedV1

Message = (
    AlertV1 | StageChangeV1 | LessonV1 | ProgressV1 | ReceiptV1 | SuppressedV1 | OutcomeV1 | ReviewedV1 | ErasureV1
)
"""Everything that is decided; encoded only when it is published."""


class Review:
    """The open alerts of a partition, and the judgement of them at one boundary after the other."""

    def __init__(self, rules: Rules, customers: Customers, alerts_from_ms: int, first_partition: int = 0) -> None:
        """`first_partition`: its number, and that of the first of several that stand together."""
        self.rules, self.customers = rules, customers
        self.windows = Windows(windows_of(rules))
        self.alerts = [SignalAlerts(signal) for signal in rules.signals]
        self.feeds = FeedAlerts(rules, first_partition, alerts_from_ms)
        self.writer = Writer(rules, alerts_from_ms)
        learning = rules.basis.learning
        self.scoring = None if learning is None else Scoring(customers, learning)
        self.is_anew = False
        """Whether the open alerts were judged by another catalogue until now."""
        self._anew: Rows = NO_ROWS
        self.reached = 0
        """Rows judged as of the customers' boundary."""
        self.is_scored = True
        """Whether the model has looked at the day that was closed last."""
        self.follow_up = FollowUp(rules, customers, self.writer)
        self.quiet = self.follow_up.quiet
        self._starts: Ints = np.full(0, NO_EPISODE, np.int32)
        self._stages: Ints = np.empty(0, np.int8)
        self.as_of = AsOf(customers, self.windows)
        self._reach = {
            feed: reach_of([signal for signal in rules.signals if signal.announced_feed == feed], rules)
            for feed in customers.days.notes
        }

    @property
    def all_alerts(self) -> tuple[SignalAlerts, ...]:
        """Those about customers, and those about feeds."""
        return *self.alerts, self.feeds.of

    @property
    def is_done(self) -> bool:
        """Whether everybody was judged."""
        return self.is_scored and self.reached >= self.as_of.size

    def has_late(self, row: int) -> bool:
        """Whether late events of a customer wait for a judgement that was begun, or is due."""
        customers = self.customers
        return row in customers.waiting_late or (self.reached <= row and bool(np.isin(row, customers.late_rows)))

    def begin(self, day: int, due: Sequence[Due] = ()) -> list[Message]:
        """Close a day; everybody waits to be judged as of the boundary behind it, and the commands due there.

        What is published at once: all that comes of feeds, receipts of commands about nobody who is known.
        """
        customers = self.customers
        self._anew, self.is_anew = self._not_judged(), False
        self._stages = customers.close(day)
        self.windows.move(customers)
        if len(customers.had_late):
            self.windows.recount(customers, customers.had_late)
        self.as_of = AsOf(customers, self.windows)
        self.reached = 0
        for alerts in self.alerts:
            alerts.walks.clear()
            alerts.wake(self.rules.basis.calendar.start_of(day + 1))
        if len(self._starts) < customers.size:
            self._starts = np.full(customers.columns.capacity, NO_EPISODE, np.int32)
        self.is_scored = self.scoring is None
        of_feeds = [one for one in due if one.command.is_of_feed]
        told = self.feeds.review(customers.outages.changes, day + 1, of_feeds)
        self.follow_up.decided += len(told) - len(of_feeds)  # a receipt of each command is no revision
        others = [one for one in due if not one.command.is_of_feed]
        return [*told, *self.follow_up.begin(others, day + 1, self.as_of.size)]

    def _not_judged(self) -> Rows:
        """Of whom an alert is open that this catalogue may not know: nothing of them was to be seen until now."""
        first_day, is_anew = self.customers.columns.first_day, self.is_anew
        rows = (of.open.rows[is_anew | (first_day[of.open.rows] == NEVER)] for of in self.alerts)
        return np.unique(np.concatenate((NO_ROWS, *rows)))

    def score(self, version: Version | None) -> list[Message]:
        """Let the model look at the day that was closed: labels that became known, scores of whose day it is."""
        assert self.scoring is not None
        lessons: list[Message] = [*self.scoring.review(version)]
        self.as_of.scores, self.as_of.running, self.is_scored = self.scoring.scores(), self.scoring.running, True
        return lessons

    def resume(self, *, is_anew: bool) -> None:
        """Go on from a snapshot: windows are added up anew, by another catalogue the pulse and the clocks as well."""
        customers = self.customers
        if is_anew and customers.boundary >= 0:
            customers.days.rebuild_pulse()
            recount(customers.columns, customers.days, customers.size, customers.boundary, self.rules.basis)
        self.windows.grow(customers.columns.capacity)
        if customers.boundary >= 0:
            self.windows.rebuild(customers)
        customers.outages.rebuild(customers.days, customers.boundary, customers.roster)
        self.is_anew = is_anew
        said = () if self.scoring is None else (self.scoring.scores(), self.scoring.running)
        self.as_of = AsOf(customers, self.windows, *said)
        self.reached = customers.size

    def judge(self, most: int) -> list[Message]:
        """Judge about `most` more customers; what is to be published."""
        as_of, low = self.as_of, self.reached
        self.reached = high = min(as_of.size, low + most)
        messages: list[Message] = list(self._change_stages(low, high))
        if low < high:
            revisions = self._judge_signals(low, high)
            told_besides, held = self.follow_up.run(self.alerts, revisions, as_of, (low, high), self._anew)
            messages += told_besides
            for alerts in self.alerts:
                if told := revisions[alerts.signal.id]:
                    messages += self.writer.write(alerts.signal, told, as_of, self._starts, self.scoring)
            for of in self.alerts:
                messages += self._suppressed(of, held.get(of.signal.id, ()))
        if self.is_done:
            self.alerts = [of for of in self.alerts if not of.signal.has_left or len(of.open) or of.early]
        return messages

    def _suppressed(self, of: SignalAlerts, held: Sequence[tuple[Revision, Held]]) -> Iterator[SuppressedV1]:
        """Revisions of a signal that are held, as they would have been sent."""
        at = self.rules.basis.calendar.text_of(self.as_of.boundary)
        reasons = {(one.row, one.start): reason for one, reason in held}
        for some in one_a_customer(one for one, _ in held):
            alerts = self.writer.write(of.signal, some, self.as_of, self._starts, self.scoring)
            yield from (reasons[one.row, one.start].record(at, alert) for one, alert in zip(some, alerts, strict=True))

    def _judge_signals(self, low: int, high: int) -> dict[str, Revisions]:
        """What is to be told of a range of rows, by signal."""
        as_of, late = self.as_of, self.customers.late_rows
        concerned: dict[int | None, Rows] = {None: late}
        for feed, notes in self.customers.days.notes.items():
            noted = notes.rows(notes.day(as_of.boundary - 1))
            concerned[feed] = np.unique(np.concatenate((noted, late))) if len(noted) + len(late) else NO_ROWS
        revisions = {}
        for alerts in self.alerts:
            signal = alerts.signal
            judgement = Judgement(alerts, as_of, low, high, self._starts, self._first_true_ms)
            revisions[signal.id] = judgement.run(concerned[signal.announced_feed], self._anew)
        return revisions

    def _first_true_ms(self, signal: Signal, row: int, day: int) -> int:
        """When on a day that is closed an early signal's condition became true."""
        assert signal.announced_feed is not None
        return first_true_ms(signal, self.feed_days(signal.announced_feed, row), day)

    def _change_stages(self, low: int, high: int) -> list[StageChangeV1]:
        """The stages of a range of rows, and what is published of those that changed."""
        columns, boundary = self.customers.columns, self.as_of.boundary
        stage = self._stages[low:high]
        is_changed = (stage != columns.stage[low:high]) & (stage != NONE)  # without a feed nothing may be left to see
        rows = (low + np.flatnonzero(is_changed)).astype(np.int32)
        if not len(rows):
            return []
        basis, at = self.rules.basis, self.rules.basis.calendar.text_of(boundary)
        is_historical = basis.calendar.start_of(boundary) < self.writer.alerts_from_ms
        silent = silent_days(columns, rows, boundary, basis.lifecycle).tolist()
        before, since = columns.stage[rows].tolist(), columns.stage_since[rows].tolist()
        after, spend = self._stages[rows].tolist(), columns.spend_total[rows].tolist()
        columns.stage[rows] = self._stages[rows]
        columns.stage_since[rows] = boundary
        return [
            StageChangeV1(
                id=stage_change_id(customer_id, at),
                customer_id=customer_id,
                at=at,
                from_stage=STAGE_NAMES[was] if was else None,
                to_stage=STAGE_NAMES[now],
                cause=_silence(days),
                days_in_previous=boundary - entered if was else None,
                spend_so_far=money_of(minor if self.as_of.has(PURCHASE) else 0, basis.currency),
                historical=is_historical,
                catalogue=self.rules.hash,
            )
            for customer_id, was, now, entered, days, minor in zip(
                self.customers.roster.ids_of(rows), before, after, since, silent, spend, strict=True
            )
        ]

    # -- early firing

    def fire_early(self, signals: Sequence[SignalAlerts], row: int, day: int) -> list[Message]:
        """First revisions of the episodes that begin on a day still open; a function of its feed's days up to it."""
        feed = signals[0].signal.announced_feed or 0
        days = self._counted_days(feed, row).at(day + 1)
        begun = [of for of in signals if day not in of.early.get(row, ()) and of.signal.when.condition.is_true(days)]
        if self.quiet:
            name = self.customers.roster.id_of(row)
            begun = [of for of in begun if not self.quiet.keeps(name, of.signal.id, day)]
        if not begun:
            return []
        found, customer_id = list[Message](), self.customers.roster.id_of(row)
        reviewed = self.customers.boundary - (row >= self.reached and not self.is_done)
        self._add_notes(days, feed, row)
        for alerts in begun:
            signal = alerts.signal
            one = begins(alerts, row, days, day, reviewed, self.quiet.heard(customer_id, signal.id))
            if one is None:
                continue
            alerts.early[row] = sorted([*alerts.early.get(row, ()), day])
            observed_ms = first_true_ms(signal, days, day)
            revision = Revision(
                row, "firing", day, 1, signal.severity, one.score, None, signal.owner, observed_ms,
                refused=days.refused_on(day),
            )  # fmt: skip
            self.follow_up.decided += 1
            facts = self._early_facts(signal, days.at(day + 1, day))
            found += self.writer.alerts(signal, [revision], [customer_id], day + 1, facts)
        return found

    def _early_facts(self, signal: Signal, days: FeedDays) -> AlertFacts:
        """What an early alert says: only what its own feed knows."""
        values: dict[str, list[Value]] = {
            name: [_rounded(value.term.value(days))] for name, value in signal.values.items()
        }
        facts = AlertFacts(values, [_rounded(signal.score.threshold.term.value(days))])
        first = days.boundary - EVIDENCE_DAYS
        facts.evidence = [
            newest([note for day, bucket in days.days.items() if first <= day < days.boundary for note in bucket.notes])
        ]
        return facts

    def feed_days(self, feed: int, row: int) -> FeedDays:
        """One customer's days in a feed, open ones included, as far back as early signals look."""
        found = self._counted_days(feed, row)
        self._add_notes(found, feed, row)
        return found

    def _add_notes(self, found: FeedDays, feed: int, row: int) -> None:
        """Give closed days their notes, as far back as evidence goes."""
        if self.customers.boundary >= 0:
            self.customers.days.add_notes_of_one(found.days, feed, row, EVIDENCE_DAYS)

    def _counted_days(self, feed: int, row: int) -> FeedDays:
        """The same without the notes of closed days."""
        days, boundary = self.customers.days, self.customers.boundary
        found = days.counts_of_one(feed, row, self._reach[feed]) if boundary >= 0 else {}
        first_day = int(self.customers.columns.first_in(feed)[row])
        for day, opened in days.open.items():
            bucket = opened.bucket_of(feed, row)
            if bucket is not None:
                found[day] = bucket
                first_day = min(first_day, day) if bucket.is_activity else first_day
        return FeedDays(feed, found, first_day, self.rules.basis)


def _silence(days: int) -> str:
    """What a change of stage comes of."""
    return f"{in_days(days)} of silence" if days else "activity"


def _rounded(value: Number | None) -> Number | None:
    return round(value, 4) + 0.0 if isinstance(value, float) else value
