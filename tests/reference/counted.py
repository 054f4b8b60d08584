"""What running constants are quantiles of, counted event by event, and what a quantile is, from the words."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from models.config import Basis
from reference.erased import NEVER, erasures
from reference.past import MAX_SUM, Happened, happened
from reference.run import Moment
from schemas.event import PURCHASE

KEPT_DIGITS: Final = 7
LEASTS: Final = (
    *range(2**KEPT_DIGITS),
    *(digits << cut for cut in range(1, 54 - KEPT_DIGITS) for digits in range(2 ** (KEPT_DIGITS - 1), 2**KEPT_DIGITS)),
)
"""The least number of every bucket: the numbers of which only the first seven binary digits are not zero."""


def cut(value: int) -> int:
    """A whole number with all but its first seven binary digits zero."""
    behind = max(0, value.bit_length() - KEPT_DIGITS)
    return value >> behind << behind


def quantile(values: Sequence[int], share: float) -> int | None:
    """The least of these values, cut, that at least a share of them do not exceed; unknown with under 200 of them."""
    known = sorted(map(cut, values))
    at_least = (one for place, one in enumerate(known, start=1) if place / len(known) >= share)
    return None if len(known) < 200 else next(at_least)


def name_of(of: str, basis: Basis) -> str:
    """Under which name values are told."""
    means = {
        "days_to_second_purchase": f" within {basis.lifecycle.churned_days} days",
        "spend_total": f" in {basis.currency}",
        "purchases_total": "",
    }
    return of + means[of]


def worth(basis: Basis, known: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """The running constants by values that were told; where too few were, what they start with."""
    found: dict[str, float] = {}
    for name, one in basis.running.items():
        value = quantile(known.get(name_of(one.of, basis), ()), one.quantile)
        scale = basis.minor_units if one.of == "spend_total" else 1
        found[name] = one.start if value is None else value / scale
    return found


def recounted(moments: Sequence[Moment]) -> dict[int, dict[str, Counter[int]]]:
    """By boundary, what the partition has to tell of its customers: how many have which value, cut."""
    found: dict[int, dict[str, Counter[int]]] = {}
    erased = erasures(one.said for one in moments if one.said)
    seen: dict[str, list[Happened]] = defaultdict(list)
    passed, first = -1, NEVER
    for event, rules, verdict, _, boundary, *_ in moments:
        if event is not None and verdict != "no":
            one = happened(event, rules.basis)
            seen[event.customer_id].append(one)
            first = min(first, one.day) if passed < 0 else first
        if boundary > passed and seen:
            for midnight in range(max(passed, first) + 1, boundary + 1):
                known = [own for who, own in seen.items() if midnight < erased.get(who, NEVER)]
                found[midnight] = _told(known, midnight, rules.basis)
        passed = boundary
    return found


def _told(customers: Sequence[Sequence[Happened]], midnight: int, basis: Basis) -> dict[str, Counter[int]]:
    told: dict[str, Counter[int]] = {name_of(one.of, basis): Counter() for one in basis.running.values()}
    for own in customers if PURCHASE in basis.feeds else ():
        bought = sorted(
            (one for one in own if one.event.feed == PURCHASE and one.day < midnight), key=lambda one: one.day
        )
        for of, value in _values(bought, midnight, basis):
            name = name_of(of, basis)
            if name in told:
                told[name][cut(value)] += 1
    return told


def _values(bought: Sequence[Happened], midnight: int, basis: Basis) -> Iterator[tuple[str, int]]:
    by_day: Counter[int] = Counter()
    for one in bought:
        by_day[one.day] = min(by_day[one.day] + one.adds["spend"], MAX_SUM)
    if bought:
        yield "purchases_total", len(bought)
    if spend := min(sum(by_day.values()), MAX_SUM):
        yield "spend_total", spend
    within = basis.lifecycle.churned_days
    if len(bought) > 1 and midnight - 1 - bought[0].day >= within >= bought[1].day - bought[0].day:
        yield "days_to_second_purchase", bought[1].day - bought[0].day
