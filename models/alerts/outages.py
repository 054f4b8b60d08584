"""The alert that tells of a feed that is down: one for each partition, all of one feed and first day in one case.

Each partition knows its own events alone, so each tells of itself: with one alert for all of them, the first that hears
of the feed again would end it for those that do not. The case is what makes them one: it is over when all are.

It has the life of a customer's alert, by the same functions: a feed stands where there is a customer.

1. An alert of what was found at the boundary begins, one of what is over ends.
2. Open ones take on the owner and the severity of another catalogue.
3. What people said is answered, in the order of (at, id).
4. What a snooze held until now is told of.
5. What nobody has taken on in time is escalated.
6. Each revision is sent, or held while it is snoozed.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from models.alerts.answers import Due, Meant, decide
from models.alerts.attention.pipeline import attend, release
from models.alerts.attention.rules import Occasion
from models.alerts.episode import (
    NO_ANSWERS,
    NO_ARM,
    Revision,
    Revisions,
    SignalAlerts,
    revision_at_hand,
    revision_of,
)
from models.alerts.escalation import escalate, own_severity
from models.alerts.partitions import outage_id
from models.alerts.payload import NOT_SAID, answers_of, owed_since, unanswered
from models.alerts.retired import KnownSignal, unconditional
from models.calendar import date_of, in_days
from models.catalogue.outage import FEED_OUTAGE
from models.catalogue.rules import OutageAlert, Rules, Signal
from models.customers.hours import DAY_HOURS
from models.customers.outages import OutageChange
from schemas.alert import AlertV1, case_id
from schemas.envelope import OF_FEED
from schemas.event import FEEDS
from schemas.instant import to_rfc3339
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1

_EVERY: Final = (0, 1 << 30)
"""The rows of all feeds of all partitions."""


class FeedAlerts:
    """The alerts that tell of the feeds of a partition, or of several whose customers stand together.

    A row is a feed of a group: `len(FEEDS)` times the number of the group, and that of the feed.
    """

    def __init__(self, rules: Rules, first_partition: int, alerts_from_ms: int) -> None:
        """`first_partition`: that of the first group."""
        self._rules, self._first_partition, self._alerts_from_ms = rules, first_partition, alerts_from_ms
        self._calendar = rules.basis.calendar
        self.of = SignalAlerts(_signal(rules.outage_alert))

    def review(
        self, changes: Sequence[OutageChange], boundary: int, due: Sequence[Due]
    ) -> list[AlertV1 | SuppressedV1 | ReceiptV1]:
        """What comes of changes found at a boundary, and of the commands about feeds that are due there."""
        of, now_ms, told = self.of, self._calendar.start_of(boundary), Revisions()
        revisions, occasion = {of.signal.id: told}, Occasion(now_ms, frozenset())
        of.wake(now_ms)
        for change in changes:
            self._end(change, now_ms, told) if change.is_over else self._begin(change, now_ms, told)
        self._go_by_catalogue(told)
        receipts = [decide(one, self._meant(one, told), revisions, self._calendar) for one in due]
        release([of], revisions, _EVERY, occasion)
        escalate(
            [of], revisions, now_ms, _EVERY, alerts_from_ms=self._alerts_from_ms,
            escalates_to=self._rules.escalates_to, is_seen=lambda rows: np.ones(len(rows), np.bool_),
        )  # fmt: skip
        held = attend(of, told, occasion)
        alerts = self.write([*told, *(one for one, _ in held)], boundary, changes)
        at = self._calendar.text_of(boundary)
        kept = [reason.record(at, alert) for (_, reason), alert in zip(held, alerts[len(told) :], strict=True)]
        return [*alerts[: len(told)], *kept, *receipts]

    def id_of(self, row: int, start: int) -> str:
        """The id of the alert of a row, by the first day of its silence."""
        return outage_id(_name(row), self._partition(row), date_of(start))

    def write(
        self, revisions: Sequence[Revision], boundary: int, changes: Sequence[OutageChange] = ()
    ) -> list[AlertV1]:
        """The alerts of revisions as of a boundary. `changes`: what was found at it."""
        found = {_row(one): one for one in changes}
        answers = answers_of(revisions)
        return [
            self._alert(one, boundary, found.get(one.row), {name: told[at] for name, told in answers.items()})
            for at, one in enumerate(revisions)
        ]

    def _partition(self, row: int) -> int:
        return self._first_partition + row // len(FEEDS)

    # -- the life of an alert

    def _begin(self, change: OutageChange, now_ms: int, told: Revisions) -> None:
        signal, row, day = self.of.signal, _row(change), change.began // DAY_HOURS
        self.of.open.add(
            np.array([row], np.int32), start=day, case=day, revision=1, severity=signal.severity, stage=0, refused=0,
            score=change.hours, initial=change.hours, owner=signal.owner, observed_ms=now_ms, sent_ms=now_ms,
            arm=NO_ARM, is_sure=0, **NO_ANSWERS,
        )  # fmt: skip
        place = self.of.open.place(row)
        assert place is not None  # it was added
        told.append(revision_of(self.of, row, place, "firing"))

    def _end(self, change: OutageChange, now_ms: int, told: Revisions) -> None:
        table, row = self.of.open, _row(change)
        place = table.place(row)
        assert place is not None  # it was told when it was found
        last = revision_at_hand(self.of, told, place)
        last.status, last.ends_ms, last.ended_because = "resolved", now_ms, "over"
        table.keep(table.rows != row)

    def _go_by_catalogue(self, told: Revisions) -> None:
        """Have open alerts name the owner and the severity that the catalogue does."""
        table, owner = self.of.open, self.of.signal.owner
        for place in range(len(table)):
            severity = own_severity(self.of, place)
            if (table.column("owner")[place], table.column("severity")[place]) != (owner, severity):
                one = revision_at_hand(self.of, told, place)
                one.owner = table.column("owner")[place] = owner
                one.severity = table.column("severity")[place] = severity

    def _meant(self, due: Due, told: Revisions) -> Meant | None:
        """The alert of this id; what is found at the boundary itself nobody knows as yet."""
        table, command, before_ms = self.of.open, due.command, self._calendar.start_of(due.boundary)
        known = [(revision_of(self.of, row, place, "updated"), place) for place, row in enumerate(table.rows.tolist())]
        ended = [one for one in told if one.ends_ms is not None]
        for one, place in (*known, *((last, None) for last in ended)):
            is_same = (_name(one.row), self.id_of(one.row, one.start)) == (command.customer_id, command.alert_id)
            if is_same and one.observed_ms < before_ms:
                return Meant(self.of, one.row, place, one if place is None else None)
        return None

    # -- as it is published

    def _alert(self, one: Revision, boundary: int, found: OutageChange | None, answers: dict[str, Any]) -> AlertV1:
        calendar, signal, feed = self._calendar, self.of.signal, FEEDS[one.row % len(FEEDS)]
        return AlertV1(
            alert_id=self.id_of(one.row, one.start),
            revision=one.revision,
            status=one.status,
            signal=signal.id,
            polarity=signal.polarity,
            severity=one.severity,
            summary=self._summary(one, boundary, found) + unanswered(one),
            customer_id=_name(one.row),
            owner=one.owner,
            intervention=signal.intervention,
            playbook_url=signal.playbook_url,
            starts_at=calendar.text_of(one.start),
            observed_at=to_rfc3339(one.observed_ms),
            due_at=to_rfc3339(owed_since(one) + (signal.respond_ms or 0)),
            ends_at=None if one.ends_ms is None else to_rfc3339(one.ends_ms),
            score=one.score if one.ends_ms is None else None,
            clears_when=f"a day with events in the {feed} feed, without such a silence",
            catalogue=self._rules.hash,
            historical=one.observed_ms < self._alerts_from_ms,
            case_id=case_id(_name(one.row), signal.cause, date_of(one.start)),
            ended_because=one.ended_because,
            **NOT_SAID,
            **answers,
        )

    def _summary(self, one: Revision, boundary: int, found: OutageChange | None) -> str:
        feed, partition, days = FEEDS[one.row % len(FEEDS)], self._partition(one.row), boundary - one.start
        lasted = in_days(days)
        if one.ends_ms is not None:
            return f"Over after {lasted}: the {feed} feed is back in partition {partition}."
        silence = f", for {lasted} now"
        if found is not None:
            silence = (
                f": nothing came for {found.hours} hours, in which {found.usual:,} customers came in the quietest of "
                "the weeks before"
            )
        return (
            f"The {feed} feed is down in partition {partition}{silence}. Alerts of customers who may merely not have "
            "been heard of are held."
        )


def signals_of_feeds(rules: Rules) -> tuple[Signal, ...]:
    """What may be raised besides the signals of a catalogue: one, or none where no feed is ever down."""
    return () if rules.basis.silence is None else (_signal(rules.outage_alert),)


def _row(change: OutageChange) -> int:
    return len(FEEDS) * change.group + change.feed


def _name(row: int) -> str:
    """What stands for a customer."""
    return OF_FEED + FEEDS[row % len(FEEDS)]


def _signal(told: OutageAlert) -> Signal:
    """What the catalogue says of its alerts; when one begins and ends the outages say."""
    known = KnownSignal(
        polarity="negative", severity=told.severity, owner=told.owner, intervention=told.intervention,
        contacts_customer=False, if_no_contact=told.intervention, playbook_url=told.playbook_url,
        respond_ms=told.respond_ms, announced_feed=None, cause=FEED_OUTAGE,
    )  # fmt: skip
    return unconditional(FEED_OUTAGE, known)
