"""What two runs have in common: pairs of alerts, what is gained and lost, loads, examples."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from models.alerts.episode import STILL_OPEN
from models.what_if.comparison import MOST_EXAMPLES, Comparison, Run, compare
from models.what_if.episodes import Episode
from models.what_if.matching import match
from schemas.alert import AlertSeverity
from support.troubled import default_rules

MONDAY: Final = 20_003
"""2024-10-07."""


def episode(
    begins: int, ends: int = STILL_OPEN, *, customer: str = "c1", signal: str = "usage_drop", **more: Any
) -> Episode:
    given: dict[str, Any] = {"told": MONDAY + begins, "severity": "warning", "owner": "Product", "summary": "Less."}
    until = ends if ends == STILL_OPEN else MONDAY + ends
    return Episode(customer, signal, MONDAY + begins, until, **(given | more))


def compared(before: list[Episode], after: list[Episode], *, last: int = 27) -> Comparison:
    rules = default_rules()
    return compare(Run(rules, before, MONDAY + last), Run(rules, after, MONDAY + last), MONDAY)


SEVERITIES: Final[tuple[AlertSeverity, ...]] = ("info", "warning", "error", "critical")


@st.composite
def runs(draw: st.DrawFn) -> list[Episode]:
    """The alerts of a run: those of one customer and signal do not overlap."""
    found = []
    for customer in ("c1", "c2", "c3"):
        for signal in ("usage_drop", "unsubscribed"):
            days = sorted(draw(st.sets(st.integers(0, 40), max_size=8)))
            for begins, ends in zip(days[::2], days[1::2], strict=False):
                found.append(
                    episode(
                        begins, ends, customer=customer, signal=signal,
                        severity=draw(st.sampled_from(SEVERITIES)), owner=draw(st.sampled_from(("A", "B"))),
                    )
                )  # fmt: skip
            if len(days) % 2 and draw(st.booleans()):
                found.append(episode(days[-1], customer=customer, signal=signal))
    return draw(st.permutations(found))


@given(runs())
def test_a_run_against_itself_differs_in_nothing(run: list[Episode]) -> None:
    found = compared(run, list(reversed(run)), last=45)
    assert found.total.is_same
    assert (found.total.common, found.total.before, found.total.after) == (len(run),) * 3
    assert (found.gained, found.lost, found.changes) == ((), (), ())
    assert all(one.is_same for one in found.by_signal.values())
    assert all(one.load_before == one.load_after for one in found.by_owner.values())


@given(runs(), runs())
def test_every_alert_is_common_or_gained_or_lost_by_every_count(before: list[Episode], after: list[Episode]) -> None:
    found = compared(before, after, last=45)
    for counts in (found.total, *found.by_signal.values()):
        assert counts.common + counts.lost == counts.before
        assert counts.common + counts.gained == counts.after
        assert counts.earlier + counts.later <= counts.common
    assert (found.total.before, found.total.after) == (len(before), len(after))
    for name in ("before", "after", "common", "gained", "lost", "earlier", "later", "more_severe", "other_owner"):
        assert sum(getattr(one, name) for one in found.by_signal.values()) == getattr(found.total, name)
    owners = found.by_owner.values()
    for one in owners:
        assert one.common + one.lost + one.handed_over == one.before
        assert one.common + one.gained + one.taken_over == one.after
    assert (sum(one.before for one in owners), sum(one.after for one in owners)) == (len(before), len(after))
    assert sum(one.handed_over for one in owners) == sum(one.taken_over for one in owners) == found.total.other_owner
    for name, of in (("before", len(before)), ("after", len(after)), ("gained", found.total.gained)):
        assert sum(getattr(week, name) for week in found.weeks) == of
    assert len(found.gained) <= min(MOST_EXAMPLES, found.total.gained)
    assert len({one.customer_id for one in found.lost}) == len(found.lost)


@given(runs(), runs())
def test_the_other_way_round_gained_is_lost_and_earlier_is_later(before: list[Episode], after: list[Episode]) -> None:
    there, back = compared(before, after, last=45).total, compared(after, before, last=45).total
    assert (there.gained, there.lost, there.earlier, there.later) == (back.lost, back.gained, back.later, back.earlier)
    assert (there.more_severe, there.other_owner) == (back.less_severe, back.other_owner)


@given(runs(), runs())
def test_pairs_overlap_and_no_other_way_finds_more_of_them(before: list[Episode], after: list[Episode]) -> None:
    found = match(before, after)
    assert all(overlap(one, other) for one, other in found.common)
    assert len(found.common) == most_pairs(before, after)


def overlap(one: Episode, other: Episode) -> bool:
    is_same = (one.customer_id, one.signal) == (other.customer_id, other.signal)
    return is_same and one.begins < other.ends and other.begins < one.ends


def most_pairs(before: list[Episode], after: list[Episode]) -> int:
    """By augmenting paths, which need no order."""
    partner: dict[int, int] = {}

    def placed(place: int, tried: set[int]) -> bool:
        for at, other in enumerate(after):
            if at not in tried and overlap(before[place], other):
                tried.add(at)
                if at not in partner or placed(partner[at], tried):
                    partner[at] = place
                    return True
        return False

    return sum(placed(place, set()) for place in range(len(before)))


def test_alerts_that_only_touch_are_two() -> None:
    found = compared([episode(3, 8)], [episode(8, 12)]).total
    assert (found.common, found.lost, found.gained) == (0, 1, 1)


def test_earlier_later_severity_and_owner_are_of_those_in_both() -> None:
    before = [episode(10, 20), episode(5, 9, customer="c2"), episode(1, 3, customer="c3")]
    after = [episode(7, 20, severity="critical"), episode(6, 9, customer="c2", owner="Retention")]
    found = compared(before, after)
    total = found.total
    assert (total.earlier, total.later, total.more_severe, total.less_severe, total.other_owner) == (1, 1, 1, 0, 1)
    assert total.shift is not None
    assert (total.shift.first, total.shift.third) == (-2.0, 0.0)
    product, retention = found.by_owner["Product"], found.by_owner["Retention"]
    assert (product.before, product.after, product.lost, product.handed_over) == (3, 1, 1, 1)
    assert (retention.before, retention.after, retention.taken_over) == (0, 1, 1)


def test_load_counts_days_without_alerts_and_weeks_begin_on_monday() -> None:
    busy = [episode(6, customer=f"c{number}") for number in range(40)]
    found = compared([], [*busy, episode(7, customer="x")], last=13)
    load = found.by_owner["Product"].load_after
    assert (found.days, load.median, load.p95, load.most) == (14, 0, 40, 40)
    assert [(week.monday, week.after) for week in found.weeks] == [("2024-10-07", 40), ("2024-10-14", 1)]


def test_examples_take_signals_in_turn_and_each_customer_once() -> None:
    many = [episode(day, day + 1, customer=f"c{day}") for day in range(25)]
    few = [episode(1, 2, customer=f"d{number}", signal="unsubscribed") for number in range(2)]
    found = compared([], [*many, *few])
    assert len(found.gained) == MOST_EXAMPLES
    assert [one.signal for one in found.gained].count("unsubscribed") == 2
    assert found.gained == compared([], [*few, *reversed(many)]).gained
