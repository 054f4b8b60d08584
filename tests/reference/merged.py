"""Identity: whose an alias is and from when on, what is on its way to its customer, what becomes of what is said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from models.calendar import Calendar
from reference.erased import NEVER
from reference.past import Happened
from reference.spoken import Said, receipt_of
from schemas.receipt import ReceiptReason, ReceiptV1


class Merge(NamedTuple):
    """The customer of an alias, and the boundary as of which it leaves."""

    into: str
    since: int


class OnItsWay(NamedTuple):
    """What was known of somebody as of a boundary; it counts from the next one on. `by`: the ids it came by."""

    since: int
    by: tuple[str, ...]
    seen: list[Happened]
    has_opted_out: bool


@dataclass
class Identity:
    """All merges of a run. `answered`: commands whose receipt follows from them alone; nobody hears these."""

    merges: dict[str, Merge] = field(default_factory=dict)
    receipts: list[tuple[int, ReceiptV1]] = field(default_factory=list)
    answered: set[Said] = field(default_factory=set)
    announced: set[Said] = field(default_factory=set)
    """Merges that were the first of their alias, in the order in which they count, when they were said."""

    def owner(self, customer_id: str, passed: int) -> tuple[str, tuple[str, ...]]:
        """Whose an event is that comes once a boundary was passed, and the ids it came by: round no circle."""
        by: tuple[str, ...] = ()
        known = self.merges.get(customer_id)
        while known is not None and known.since <= passed and known.into not in by:
            by, customer_id = (*by, customer_id), known.into
            known = self.merges.get(customer_id)
        return customer_id, by

    def group(self, customer_id: str) -> set[str]:
        """Everybody whom a customer has to do with."""
        found, before = {customer_id}, set[str]()
        while found != before:
            before = set(found)
            for alias, merge in self.merges.items():
                if found & {alias, merge.into}:
                    found |= {alias, merge.into}
        return found


def identity_of(said: Iterable[Said], calendar: Calendar, erased: Mapping[str, int]) -> Identity:
    """What comes of the merges among what is said."""
    every, found = [*said], Identity()
    merging = [one for one in every if one.command.action == "merge" and not one.is_late]
    merging = [one for one in merging if one.boundary <= erased.get(one.command.customer_id, NEVER)]
    first: dict[str, tuple[int, int, str]] = {}
    for one in merging:
        key = (one.boundary, one.command.at_ms, one.command.id)
        if key < first.get(one.command.customer_id, (NEVER, 0, "")):
            first[one.command.customer_id] = key
            found.announced.add(one)
    for one in sorted(merging, key=lambda one: (one.boundary, one.command.at_ms, one.command.id)):
        alias, into = one.command.customer_id, str(one.command.into)
        if one.boundary >= erased.get(alias, NEVER):
            continue
        if alias not in found.merges and any(_is_before(other, one) for other in found.announced):
            found.receipts.append((one.boundary, receipt_of(one, calendar, "circle", None, into)))
            found.answered.add(one)
            continue
        is_first = alias not in found.merges
        found.merges.setdefault(alias, Merge(into, one.boundary))
        _answer(found, one, calendar, is_first=is_first)
    for one in every:
        alias, told = one.command.customer_id, one.command
        merge = found.merges.get(alias)
        if told.action == "merge" or one.is_late or merge is None or one.boundary >= erased.get(alias, NEVER):
            continue
        if one.boundary > merge.since or (one.boundary == merge.since and told.alert_id):
            _answer(found, one, calendar, is_first=False)
    return found


def _is_before(other: Said, one: Said) -> bool:
    """Whether somebody was said to be an alias of an alias before that was to be theirs."""
    is_other_way = (other.command.customer_id, other.command.into) == (one.command.into, one.command.customer_id)
    return is_other_way and (other.boundary, other.command.customer_id) < (one.boundary, one.command.customer_id)


def _answer(found: Identity, one: Said, calendar: Calendar, *, is_first: bool) -> None:
    is_merge, into = one.command.action == "merge", found.merges[one.command.customer_id].into
    reason: ReceiptReason | None = None if is_first else "already_merged" if is_merge else "merged"
    found.receipts.append((one.boundary, receipt_of(one, calendar, reason, None, into)))
    found.answered.add(one)
