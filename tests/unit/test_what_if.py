"""What another catalogue would change: alerts matched and counted, by hand and over random episodes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from multiprocessing import active_children
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts.episode import STILL_OPEN
from models.calendar import Calendar
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.what_if.changes import Change, changes
from models.what_if.comparison import MOST_EXAMPLES, Comparison, Run, compare
from models.what_if.decided import Decided
from models.what_if.episodes import Episode
from models.what_if.matching import match
from schemas.alert import AlertSeverity
from schemas.event import Event
from streams.errors import SetupError
from streams.files.packed_history import Replayed, read_packed
from streams.files.reading import EventFile
from streams.report.what_if import list_rows, renamed, sentence, signal_rows
from streams.what_if import How, beside
from support.histories import Size, history, write_history
from support.troubled import catalogue, default_rules

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


# -- through the engine


def run_of(events: list[Event], rules: Rules, partitions: int = 2) -> Run:
    engine, decided = Replay(without_model(rules), partitions), Decided(rules, partitions)
    for event in events:
        engine.take(event)
    for message in engine.drain():
        decided.take(message)
    return decided.until(engine.partitions[0].judged_boundary)


def changed(**signals: Any) -> Rules:
    own = catalogue()
    own["signals"] = {
        name: own["signals"][name] | signals.get(name, {}) for name in own["signals"] if signals.get(name) != "off"
    }
    return build_rules(own)


@cache
def made() -> list[Event]:
    return history(Size(1_600, 120, 130), 4)


@cache
def as_it_is() -> Run:
    """By the default catalogue."""
    return run_of(made(), default_rules())


def against(rules: Rules) -> Comparison:
    return compare(as_it_is(), run_of(made(), rules, 3), Calendar().day_of(made()[0].time_ms))


@pytest.fixture
def events() -> list[Event]:
    return made()


def test_the_same_catalogue_changes_nothing_whatever_the_partitions() -> None:
    found = against(default_rules())
    assert found.total.is_same
    assert found.total.common > 50
    assert sentence(found, "mine.yaml").startswith("mine.yaml would have changed nothing: the same ")


def test_a_new_owner_and_severity_change_hands_and_urgency_only() -> None:
    found = against(changed(unsubscribed={"owner": "Care", "severity": "error"}))
    one = found.by_signal["unsubscribed"]
    assert (one.gained, one.lost, one.earlier, one.later) == (0, 0, 0, 0)
    assert one.common == one.other_owner == one.more_severe == found.by_owner["Care"].taken_over > 0
    assert [(change.signal, change.part) for change in found.changes] == [
        ("unsubscribed", "severity"), ("unsubscribed", "owner"),
    ]  # fmt: skip


def test_a_lower_threshold_makes_alerts_begin_earlier() -> None:
    text = next(one.when.text for one in default_rules().signals if one.id == "loyal_gone_silent")
    found = against(changed(loyal_gone_silent={"when": text.replace("2.5 *", "1.5 *")}))
    one = found.by_signal["loyal_gone_silent"]
    assert one.earlier > 0
    assert one.later == 0
    assert one.after > one.before
    assert "are told earlier" in sentence(found, "mine.yaml")
    assert signal_rows(found)[0][0] == "loyal_gone_silent"


def test_a_renamed_signal_is_lost_and_gained_and_that_is_said() -> None:
    own = catalogue()
    own["signals"]["gone_off_mail"] = own["signals"].pop("unsubscribed")
    found = against(build_rules(own))
    old, new = found.by_signal["unsubscribed"], found.by_signal["gone_off_mail"]
    assert old.lost == old.before == new.gained == new.after > 0
    assert "a new name" not in sentence(found, "mine.yaml")
    told = renamed(found)
    assert told is not None
    assert "Not in the other catalogue: unsubscribed; new there: gone_off_mail" in told


def test_what_all_signals_read_is_told_where_it_differs() -> None:
    own = catalogue()
    own["constants"]["high_spend"] = 500
    own["lifecycle"]["dormant_days"] = 45
    own["feeds"] = ["purchase", "login"]
    own["attention"]["contact_days"] = 0
    found = {one.part: (one.before, one.after) for one in changes(default_rules(), build_rules(own))}
    assert found == {
        "feeds": ("purchase, login, ticket, email", "purchase, login"),
        "lifecycle.dormant_days": ("60", "45"),
        "constants.high_spend": ("300", "500"),
        "attention.contact_days": ("7", "0"),
    }


def test_a_smaller_team_has_a_shorter_list_and_more_who_wait() -> None:
    own = catalogue()
    own["owners"] = {"Retention": {"people": 1, "alerts_a_day": 1}}
    found = against(build_rules(own))
    one = found.by_owner["Retention"]
    assert (one.before, one.after, one.load_before) == (one.common, one.common, one.load_after)
    assert (one.list_before.room, one.list_after.room) == (20, 1)
    assert one.list_before.new.most > one.list_after.new.most == 1
    assert (one.list_before.waiting.most, one.list_after.waiting.most > 0) == (0, True)
    assert ("owners.Retention", "room for 20 a day", "room for 1 a day") in {
        (change.part, change.before, change.after) for change in found.changes
    }
    assert "Retention" in {row[0] for row in list_rows(found)}


def test_a_history_without_events_compares_to_nothing() -> None:
    found = compare(Run(default_rules(), [], -1), Run(default_rules(), [], -1), None)
    assert (found.days, found.weeks, found.by_owner, found.first_day) == (0, (), {}, None)
    assert found.total.is_same


def test_another_cap_moves_the_day_on_which_alerts_are_told() -> None:
    events = history(Size(2_400, 180, 130), 4)
    before, after = (build_rules(catalogue() | {"attention": {"contact_days": days}}) for days in (0, 30))
    found = compare(run_of(events, before), run_of(events, after), 0)
    assert found.changes == (Change("changed", None, "attention.contact_days", "0", "30"),)
    assert (found.total.earlier, found.total.gained) == (0, 0)
    assert found.total.later > 0
    assert found.total.shift is not None
    assert 0 < found.total.shift.median <= 30


# -- in two processes


def replayed(events: list[Event], path: Path) -> Replayed:
    write_history(events, path)
    return Replayed(read_packed([EventFile(path)]), 0, set())


def how(rules: Rules) -> How:
    return How(rules=rules, partitions=2, alerts_from_ms=0, until_ms=None, models=None, learn=False)


def test_the_other_process_decides_what_this_one_would(events: list[Event], tmp_path: Path) -> None:
    rules, taken = changed(unsubscribed="off"), list[Event]()
    found = beside(how(rules), "mine.yaml", replayed(events, tmp_path / "events.jsonl"), taken.extend)
    assert len(taken) == len(events)
    here = run_of(events, rules)
    assert (sorted(found.episodes), found.last_day) == (sorted(here.episodes), here.last_day)
    assert found.rules.hash == rules.hash


def test_a_process_that_is_ended_from_outside_is_said(events: list[Event], tmp_path: Path) -> None:
    def end(_: Iterable[Event]) -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(SetupError, match=r"--against mine\.yaml: the process that replayed it was ended"):
        beside(how(default_rules()), "mine.yaml", replayed(events, tmp_path / "events.jsonl"), end)
