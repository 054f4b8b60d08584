"""The open alerts of all partitions, and the lists that each boundary makes of them.

At a boundary, for each owner: what was sent until then is taken in; of those not on the list yet the first are put on
it, as many customers as the owner's budget has room for; who is on the list stays until the alert is over or somebody
has taken it on. Whoever had no room is asked again at the next boundary.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from msgspec import Struct

from models.catalogue.rules import ALONE, Rules
from models.digests.backlog import BEGINNING, Backlog, Resume
from models.digests.lines import MOST_LINES, Reason, end_of, line_of
from models.digests.ranking import Order, chances_of, order
from schemas.alert import AlertV1
from schemas.digest import Became, DigestCountsV1, DigestEndV1, DigestV1
from schemas.reviewed import Told


class Answer(Struct, frozen=True, array_like=True):
    """What people had said of an alert, and what had come of that."""

    acknowledged_at: str | None = None
    outcome: str | None = None
    snoozed_until: str | None = None
    escalated_at: str | None = None


class Item(Struct, array_like=True):
    """An alert on its way through the lists.

    `changed` is the boundary at which it became what it is, `was` what had been said of it before, `listed` the
    boundary at which it was put on the list of an owner.
    """

    alert: AlertV1
    changed: int
    was: Answer
    listed: dict[str, int]


Kept = Item | int
"""What is kept of an alert: the item, or the boundary at which it left the lists."""


class Day(NamedTuple):
    """The digests of a boundary, and what is to be kept because of it by alert; None: nothing any more."""

    boundary: int
    digests: list[DigestV1]
    changes: dict[str, Kept | None]


OVER_DAYS: Final = 60
"""How long an alert that is over is known: a worker that was paused may send what it had decided once more."""


class Lists:
    """Makes digests. A function of the records: when and in which order partitions wrote them leaves no trace."""

    def __init__(
        self,
        rules: Rules,
        partitions: int,
        *,
        kept: Mapping[str, Kept] | None = None,
        at: Resume = BEGINNING,
        others: Sequence[Rules] = (),
        most_lines: int = MOST_LINES,
    ) -> None:
        """Go on from what was kept and where that was, or begin.

        `others`: catalogues that were in force before, or will be. A boundary's lists follow the one by which all
        partitions judged it; where they do not agree, or it is none of these, the one in force before.
        `most_lines`: in each part of a digest; its counts are of all.
        """
        self._most_lines = most_lines
        self._known = {one.hash: one for one in (*others, rules)}
        self.rules = self._known.get(at.catalogue, rules)
        """The catalogue in force."""
        self._calendar, self._chances = rules.basis.calendar, chances_of(self.rules)
        self._items = {name: one for name, one in (kept or {}).items() if isinstance(one, Item)}
        self._over = {name: one for name, one in (kept or {}).items() if not isinstance(one, Item)}
        self._orders = {name: self._ordered(one.alert) for name, one in self._items.items()}
        self.backlog = Backlog(partitions, self._calendar, at)
        self._told = set(at.owners)
        """Who has a digest, by this catalogue or an earlier one: the newest of each is kept, and may name customers."""

    def __len__(self) -> int:
        return len(self._items)

    def take(self, entry: Told, offset: int) -> None:
        """Note a record. Raises ValueError for one of another deployment."""
        self.backlog.take(entry, offset)

    def follow(self, entry: Told) -> Iterator[Day]:
        """Note the next record, as it would stand on the topic, and give every boundary that is complete by it."""
        self.take(entry, self.backlog.end)
        yield from self.days()

    def days(self) -> Iterator[Day]:
        """Every boundary that is complete."""
        for boundary in self.backlog.due():
            yield self._close(boundary)

    def resume(self) -> Resume:
        """From where everything that was not given out is read again as it was read now."""
        return self.backlog.resume()._replace(owners=tuple(sorted(self._told)))

    def _close(self, boundary: int) -> Day:
        changes: dict[str, Kept | None] = {}
        for name in [name for name, at in self._over.items() if at < boundary - OVER_DAYS]:
            del self._over[name]
            changes[name] = None
        for name in [name for name, one in self._items.items() if not one.alert.is_open and one.changed < boundary]:
            del self._items[name], self._orders[name]
            self._over[name] = changes[name] = boundary
        sent = self.backlog.give_out(boundary)
        self._go_by(self._known.get(self.backlog.catalogue, self.rules))
        changes |= self._take_in(sent, boundary)
        owners = self.rules.owners | self._told if self.backlog.is_erased else ()
        of_owner: dict[str, list[Item]] = {owner: [] for owner in owners}
        for one in self._items.values():
            for owner in [owner for owner, at in one.listed.items() if at >= boundary]:
                del one.listed[owner]  # this boundary was begun before
            for owner in self._owners(one) | one.listed.keys():
                of_owner.setdefault(owner, []).append(one)
        digests = [found for owner in sorted(of_owner) if (found := self._digest(owner, of_owner[owner], boundary))]
        self._told.update(one.owner for one in digests)
        changes.update(
            (name, one)
            for name, one in self._items.items()
            if one.changed == boundary or boundary in one.listed.values()
        )
        return Day(boundary, digests, changes)

    def _go_by(self, rules: Rules) -> None:
        """Another catalogue is in force: what is open is ordered anew."""
        if rules.hash != self.rules.hash:
            self.rules, self._chances = rules, chances_of(rules)
            self._orders = {name: self._ordered(one.alert) for name, one in self._items.items()}

    def _take_in(self, alerts: Sequence[AlertV1], boundary: int) -> dict[str, int]:
        """Take revisions in; those that are over because their customer is erased leave at once, and are returned."""
        erased: dict[str, int] = {}
        for alert in alerts:
            item = self._items.get(alert.alert_id)
            if alert.ended_because == "erased":
                if item is not None:
                    del self._items[alert.alert_id], self._orders[alert.alert_id]
                    self._over[alert.alert_id] = erased[alert.alert_id] = boundary
                continue
            if item is None:
                if not alert.is_open or alert.alert_id in self._over:
                    continue
                self._items[alert.alert_id] = Item(alert, boundary, Answer(), {})
            elif alert.revision <= item.alert.revision:
                continue
            else:
                if item.changed < boundary:
                    item.was, item.changed = _answer(item.alert), boundary
                item.alert = alert
            self._orders[alert.alert_id] = self._ordered(alert)
        return erased

    @staticmethod
    def _owners(item: Item) -> set[str]:
        """Who answers for it. An alert that its owner was not asked to answer is not passed on to anybody."""
        alert = item.alert
        is_passed_on = alert.escalated_to and alert.owner in item.listed
        return {alert.owner, alert.escalated_to or alert.owner} if is_passed_on else {alert.owner}

    def _digest(self, owner: str, items: Sequence[Item], boundary: int) -> DigestV1 | None:
        asked: dict[str, list[Item]] = {}
        for one in items:
            if one.alert.is_owed and owner in self._owners(one):
                asked.setdefault(one.alert.customer_id, []).append(one)
        groups = sorted((min(map(self._order, of)), of) for of in asked.values())
        listed = [of for _, of in groups if any(owner in one.listed for one in of)]
        fresh = [of for _, of in groups if not any(owner in one.listed for one in of)]
        budget, became = self.rules.teams.get(owner, ALONE).budget, self._became(owner, items, boundary)
        new, waiting = fresh[:budget], fresh[budget:]
        for one in chain.from_iterable((*listed, *new)):  # a reason more for who is to be called anyway needs no room
            one.listed.setdefault(owner, boundary)
        if not (asked or became or self.backlog.is_erased):  # then what may name who is erased is replaced
            return None
        now_ms = self._calendar.start_of(boundary)
        late = [any(self._order(one).due_ms <= now_ms for one in of) for of in listed]
        late_first = [listed[at] for at in sorted(range(len(listed)), key=lambda at: not late[at])]
        counts = DigestCountsV1(
            new=len(new), open=len(listed), past_due=sum(late), waiting=len(waiting),
            in_hand=sum(1 for one in items if one.alert.is_open and one.alert.acknowledged_at is not None),
            snoozed=sum(1 for one in items if one.alert.is_open and one.alert.snoozed_until is not None),
            became=len(became),
        )  # fmt: skip
        new_lines, open_lines, waiting_lines = (
            tuple(line_of([self._reason(one, owner) for one in of], now_ms) for of in found[: self._most_lines])
            for found in (new, late_first, waiting)
        )
        return DigestV1(
            owner=owner, at=self._calendar.text_of(boundary), budget=budget, counts=counts,
            new=new_lines, open=open_lines, waiting=waiting_lines, became=tuple(became[: self._most_lines]),
        )  # fmt: skip

    def _reason(self, item: Item, owner: str) -> Reason:
        at = item.listed.get(owner)
        listed_at = None if at is None else self._calendar.text_of(at)
        told_at, came_true = self._calendar.text_of(item.changed), self.rules.hit_rate_of(item.alert.signal)
        return Reason(self._order(item), item.alert, listed_at, told_at, came_true)

    def _ordered(self, alert: AlertV1) -> Order:
        return order(alert, self._chances[alert.signal])

    def _order(self, item: Item) -> Order:
        return self._orders[item.alert.alert_id]

    def _became(self, owner: str, items: Sequence[Item], boundary: int) -> list[DigestEndV1]:
        """What happened at this boundary to alerts that were on the list before."""
        changed = [one for one in items if one.changed == boundary and one.listed.get(owner, boundary) < boundary]
        found = [
            end_of(one.alert, self._calendar.text_of(one.listed[owner]), became)
            for one in changed
            if (became := _became(one)) is not None
        ]
        return sorted(found, key=lambda one: (one.customer_id, one.signal, one.alert_id))


def _answer(alert: AlertV1) -> Answer:
    return Answer(alert.acknowledged_at, alert.outcome, alert.snoozed_until, alert.escalated_at)


def _became(item: Item) -> Became | None:
    """The most telling of what happened to it; None where nothing did that its owner would ask for."""
    now, was = _answer(item.alert), item.was
    if not item.alert.is_open:
        return "ended"
    if now.outcome != was.outcome:
        return "answered"
    if now.acknowledged_at != was.acknowledged_at:
        return "acknowledged"
    if now.snoozed_until not in (None, was.snoozed_until):
        return "snoozed"
    return "escalated" if now.escalated_at != was.escalated_at else None
