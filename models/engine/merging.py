"""Identity: an alias joins a customer, who may be in another partition.

1. As of a boundary B all that is known of the alias leaves as a history, and what comes of it later is moved, event by
   event. Its alerts end.
2. The customer takes events in as their own. A history counts from boundary B + 1 on, as if it had come late.
3. So the partition of the customer passes a boundary behind B only once that of the alias has said (`mark`) that all of
   the days before was sent. It says so before it passes the boundary itself: nobody waits for each other for ever.

Within one partition the same steps are taken in memory.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from models.alerts.answers import Due, erasures_in, receipt_of
from models.alerts.attention.quiet import Word
from models.customers.aliases import Alias, Aliases
from models.customers.columns import NEVER
from models.customers.joining import Joined, history_of, holds_anything, join
from models.customers.open_day import OpenDay, is_nothing
from models.engine.arrivals import APPLIED, DUPLICATE, Fate
from models.engine.erasing import Erasing, LateEvent
from models.engine.inbox import Inbox
from models.engine.ledger import MOVED
from models.engine.review import Message, Review
from models.engine.watermark import Watermark
from schemas.erasure import is_erased_name
from schemas.event import Event
from schemas.moved import AnnouncedV1, ForgetV1, HistoryV1, MarkV1, Moved, MovedEventV1, MovedOrigin, WithdrawnV1
from schemas.partitioner import partition_of
from schemas.receipt import ReceiptReason

HISTORIES = MOVED + 1
"""The place from which histories come: a number counts them."""


class Merging:
    """What a partition does of aliases: of those that leave it, and of those that join its customers."""

    def __init__(
        self,
        review: Review,
        inbox: Inbox,
        erasing: Erasing,
        watermark: Watermark,
        where: tuple[int, int],
        take_late: Callable[[LateEvent], None],
        sent: list[Moved],
    ) -> None:
        """`where`: the number of the partition, and how many there are. `take_late`: called with what came late.

        `sent`: takes what goes to other partitions.
        """
        self._review, self._inbox, self._erasing, self._watermark = review, inbox, erasing, watermark
        self._number, self._partitions = where
        self._take_late, self._sent = take_late, sent
        self._customers, self._calendar = review.customers, review.rules.basis.calendar

    @property
    def _aliases(self) -> Aliases:
        return self._customers.aliases

    # -- what comes

    def announce(self) -> None:
        """A command was taken in: if it merges an alias, its customer's partition is told what is going to come."""
        due = next(reversed(self._inbox.waiting), None)
        if due is None or not due.is_merge:
            return
        alias, customer_id = due.command.customer_id, str(due.command.into)
        erased_at = self._customers.erased.due.get(alias, NEVER)
        is_first = alias not in self._aliases.leaving or self._first_merge(alias) is due
        if is_first and alias not in self._aliases.gone and erased_at >= due.boundary:
            self._aliases.note_quiet(alias, due.boundary)
            self._aliases.note_leaving(alias, due.boundary, self._customers.roster)
            if erased_at > due.boundary:  # what comes meanwhile is the customer's
                self._customers.erased.due.pop(alias, None)
            self._send(AnnouncedV1(self._place(customer_id), self._number, alias, customer_id, due.boundary))

    def take(self, record: Moved, offset: int) -> Fate:
        """Take in what another partition sent, once; what has to go on goes on under our own offset."""
        if isinstance(record, MovedEventV1 | HistoryV1) and not self._aliases.is_new(record.origin):
            return DUPLICATE
        if isinstance(record, MarkV1):
            marks = self._aliases.marks
            marks[record.partition] = max(record.boundary, marks.get(record.partition, -1))
        elif isinstance(record, MovedEventV1):
            self._take_here(replace(record, origin=MovedOrigin(self._number, MOVED, offset)))
        else:
            self._take_here(record)
        return APPLIED

    def _take_here(self, record: Moved) -> None:
        if isinstance(record, MovedEventV1):
            self._take_event(record)
        elif isinstance(record, HistoryV1):
            self._aliases.waiting.append(record)
        elif isinstance(record, AnnouncedV1):
            self._take_announcement(record)
        elif isinstance(record, ForgetV1):
            self._aliases.forgotten.append(record)
        elif isinstance(record, WithdrawnV1):
            self._customers.erased.unswept |= self._aliases.withdraw(record.alias, self._customers.erased.name_of)

    def _take_announcement(self, record: AnnouncedV1) -> None:
        aliases, customer_id = self._aliases, record.customer_id
        erased_at = self._customers.erased.boundary_of(customer_id)
        if erased_at is not None and erased_at <= self._watermark.boundary:
            self._let_forget({record.alias: record.since}, customer_id, erased_at)
            return
        known = aliases.joined.setdefault(customer_id, {})
        known[record.alias] = min(record.since, known.get(record.alias, record.since))
        aliases.note_quiet(customer_id, record.since)
        if record.partition != self._number:
            first = aliases.announced.get(record.partition, record.since)
            aliases.announced[record.partition] = min(record.since, first)

    def _take_event(self, record: MovedEventV1) -> None:
        """An event of an alias: it is the customer's, and never too late; or goes on, if the customer left as well."""
        aliases, customer_id = self._aliases, record.customer_id
        owner = aliases.owner_of(customer_id, record.by)
        if owner != customer_id:
            since = max(record.since, aliases.gone[customer_id].since)
            by = (*record.by, customer_id)
            self._send(replace(record, to=self._place(owner), customer_id=owner, since=since, by=by))
            return
        event, boundary = record.event, self._watermark.boundary
        day = self._calendar.day_of(event.time_ms)
        if self._customers.erased.refuses(owner, day, boundary) or is_nothing(event):
            return
        if day < record.since and boundary < record.since:  # it waits as what came in time does
            self._keep(record, day)
            return
        (row,) = self._customers.enrol([owner]).tolist()
        if day >= boundary:
            self._customers.add(row, event, day)
        else:
            self._take_late((row, event, day))

    def _keep(self, record: MovedEventV1, day: int) -> None:
        opened = OpenDay()
        opened.add(0, record.event, self._customers.basis)
        part = opened.part_of(0)
        assert part is not None  # something is kept of every event but those that were left out
        to, origin, by = self._number, record.origin, record.by
        self._aliases.waiting.append(HistoryV1(to, origin, record.customer_id, record.since, by, open_days={day: part}))

    # -- what goes

    def move(self, event: Event, place: int, offset: int) -> None:
        """Send an event of an alias that left; `place` and `offset`: where it lay."""
        alias = self._aliases.gone[event.customer_id]
        to, origin = self._place(alias.customer_id), MovedOrigin(self._number, place, offset)
        self._send(MovedEventV1(to, origin, alias.customer_id, alias.since, (event.customer_id,), event))

    def send_marks(self) -> None:
        """Say to whom something goes how far all was sent: as far as our own feeds have come, a boundary at a time."""
        reached, told = min(self._watermark.reached, self._customers.boundary + 1), self._aliases.told
        if any(reached > mark for mark in told.values()):
            reached = min([reached, *(one.boundary for one in self._inbox.waiting if one.is_merge)])
        for to in [to for to, mark in told.items() if reached > mark]:
            told[to] = reached
            self._sent.append(MarkV1(to, self._number, reached))

    def _send(self, record: Moved) -> None:
        if record.to == self._number:
            self._take_here(record)
        else:
            self._aliases.told.setdefault(record.to, -1)
            self._sent.append(record)

    def _send_history(self, history: HistoryV1) -> None:
        self._aliases.sent += 1
        self._send(replace(history, origin=MovedOrigin(self._number, HISTORIES, self._aliases.sent)))

    def _place(self, customer_id: str) -> int:
        return partition_of(customer_id.encode(), self._partitions)

    def _let_forget(self, aliases: Mapping[str, int], customer_id: str, boundary: int) -> None:
        """Have the aliases of somebody who is erased as of a boundary forgotten, once they have left."""
        name = self._customers.erased.name_of(customer_id)
        for alias, since in aliases.items():
            if not is_erased_name(alias):
                self._send(ForgetV1(self._place(alias), alias, name, max(boundary, since)))

    # -- at a boundary

    def pass_boundary(self, boundary: int) -> None:
        """A boundary is passed: whom merges up to it name are gone, and what comes of them from now on is moved.

        What is known of them leaves when the day before their boundary is closed.
        """
        aliases, customers = self._aliases, self._customers
        merges = [one for one in self._inbox.waiting if one.is_merge and one.boundary <= boundary]
        erased = erasures_in(self._inbox.waiting) if merges else {}
        for one in sorted(merges, key=lambda one: (one.boundary, *one.order)):
            alias = one.command.customer_id
            is_erased = erased.get(alias, NEVER) <= one.boundary
            if alias not in aliases.gone and not is_erased and not self._closes_circle(one):
                customers.erased.due.pop(alias, None)
                aliases.leaving.pop(alias, None)
                aliases.gone[alias] = Alias(str(one.command.into), one.boundary)
        if merges:
            customers.enrol([*aliases.gone])
            aliases.find_rows(customers.roster)

    def _closes_circle(self, merge: Due) -> bool:
        """Whether the customer was said to be an alias of this alias before."""
        alias, into = merge.command.customer_id, str(merge.command.into)
        known = self._aliases.joined.get(alias, {})
        since = known.get(into, known.get(self._customers.erased.name_of(into)))
        return since is not None and (since, into) < (merge.boundary, alias)

    def due(self, boundary: int) -> tuple[list[Message], list[Due]]:
        """Before a day is closed: customers are joined or erased, aliases leave; the commands left to be answered."""
        aliases = self._aliases
        self._take_in(boundary)
        leave = {one.command.customer_id for one in self._inbox.waiting if one.is_merge and one.boundary <= boundary}
        name_of = self._customers.erased.name_of
        told, due, erased = self._erasing.due(boundary, aliases.take_forgotten(boundary, leave, name_of))
        for customer_id, since in erased.items():
            self._let_forget(aliases.joined.get(customer_id, {}), customer_id, since)
            if customer_id in aliases.leaving:  # it was announced, and will not come
                self._sent += [WithdrawnV1(to, customer_id, since) for to in aliases.told if to != self._number]
            aliases.forget(customer_id, name_of)
        if erased:
            aliases.find_rows(self._customers.roster)
        more, due = self._leave(due)
        return [*told, *more], due

    def _first_merge(self, alias: str) -> Due | None:
        """What is said first of whose alias somebody is, among what waits."""
        waiting = [one for one in self._inbox.waiting if one.is_merge and one.command.customer_id == alias]
        return min(waiting, key=lambda one: (one.boundary, *one.order), default=None)

    def _take_in(self, boundary: int) -> None:
        """Add what was known of aliases as of earlier boundaries to their customers."""
        aliases, joined = self._aliases, list[Joined]()
        ripe = [one for one in aliases.waiting if one.since < boundary]
        if not ripe:
            return
        aliases.waiting = [one for one in aliases.waiting if one.since >= boundary]
        for one in sorted(ripe, key=lambda one: (one.since, one.by, one.origin.place, one.origin.offset)):
            owner = aliases.owner_of(one.customer_id, one.by, before=boundary)
            if owner != one.customer_id:
                by, to = (*one.by, one.customer_id), self._place(owner)
                self._send_history(replace(one, to=to, customer_id=owner, since=boundary, by=by))
            elif not self._customers.erased.is_erased(owner):
                if holds_anything(one):
                    (row,) = self._customers.enrol([owner]).tolist()
                    joined.append(Joined(row, one))
                if one.has_opted_out:
                    word = Word(boundary, self._calendar.start_of(boundary), "", is_out=True)
                    self._review.quiet.add(owner, word, self._customers.boundary)
        if joined:
            join(self._customers, joined)

    def _leave(self, due: Sequence[Due]) -> tuple[list[Message], list[Due]]:
        """Let aliases leave. Of what is said of one from then on the receipt says whose it is.

        At the first boundary of a partition what is due may be of several.
        """
        told, rest, leaving = list[Message](), list[Due](), dict[str, Alias]()
        for one in due:
            command, name = one.command, one.command.customer_id
            alias, is_merge = self._aliases.gone.get(name), one.is_merge
            is_here = alias is None or alias.since > one.boundary
            if is_here and is_merge:
                told.append(receipt_of(one, self._calendar, "circle", into=command.into))
            elif alias is None or is_here or one.is_late:
                rest.append(one)
            elif is_merge and alias.since == one.boundary and name not in leaving:
                leaving[name] = alias
                told.append(receipt_of(one, self._calendar, None, into=alias.customer_id))
            elif is_merge or alias.since < one.boundary or command.alert_id is not None:
                reason: ReceiptReason = "already_merged" if is_merge else "merged"
                told.append(receipt_of(one, self._calendar, reason, into=alias.customer_id))
            else:  # it is said of somebody who was there until now
                rest.append(one)
        return [*self._take_out(leaving), *told], rest

    def _take_out(self, leaving: Mapping[str, Alias]) -> list[Message]:
        """Send what is known of aliases; the ends of their alerts."""
        if not leaving:
            return []
        customers, review, names = self._customers, self._review, [*leaving]
        rows = customers.roster.rows_of(names).tolist()
        known = {row: (name, leaving[name].since) for row, name in zip(rows, names, strict=True)}
        ends: list[Message] = [*self._erasing.last_words(known, "merged")]
        histories = [history_of(customers, row, name, leaving[name]) for row, name in zip(rows, names, strict=True)]
        out = {name for name, alias in leaving.items() if review.quiet.has_opted_out(name, alias.since)}
        self._erasing.empty(np.array(sorted(rows), np.int32), names)
        customers.empty(np.array(sorted(rows), np.int32))
        for one in histories:
            to = self._place(one.customer_id)
            self._send_history(replace(one, to=to, has_opted_out=one.by[0] in out))
        return ends
