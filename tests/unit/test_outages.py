"""Feeds that go silent: what is an outage and what is none, and what becomes of customers meanwhile and behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import log
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.alerts.partitions import place_of_alert
from models.catalogue.absence import absent_feeds, by_presence
from models.catalogue.catalogue import build_rules
from models.catalogue.language import compile_condition
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules, sending_all, without_model
from models.config import Silence
from models.customers.hours import DAY_HOURS, HourSpan
from models.customers.silence import FeedPast, usual_of
from models.engine.population import population_of
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1
from schemas.event import FEEDS, LOGIN, Event
from schemas.example import LessonV1
from schemas.instant import from_rfc3339
from schemas.partitioner import partition_of
from schemas.suppressed import SuppressedV1
from streams.simulation.population import World, simulate
from support.builders import DAY_MS, HOUR_MS
from support.troubled import catalogue, default_rules

WEEKS = 8
DAYS = 7 * (WEEKS + 1)
SILENCE = Silence()


def judged(counts: Sequence[int], others: Sequence[int], *, silent_hours: int) -> int | None:
    """Of a feed by the hour, silent at its end: what is usual where that is an outage."""
    end = len(counts)
    own = np.array(counts)
    own[end - silent_hours :] = 0
    past = FeedPast(own, np.array(others), 0)
    return usual_of(HourSpan(end - silent_hours, end), past, end // DAY_HOURS, set(), SILENCE)


def shop(dice: Random, a_day: int, *, closed: Callable[[int], bool] = lambda _day: False) -> list[int]:
    """Counts by the hour, most of them by day."""
    hours = []
    for day in range(DAYS):
        for hour in range(DAY_HOURS):
            likely = a_day / 14 if 8 <= hour < 22 and not closed(day) else 0
            hours.append(sum(dice.random() < likely / 100 for _ in range(100)))
    return hours


# -- the rule


@given(st.lists(st.integers(0, 5_000), min_size=6, max_size=8), st.integers(10, 140_000))
def test_an_outage_is_less_likely_than_asked_for_of_a_negative_binomial_as_spread_as_its_past(
    past: list[int], log_odds: int
) -> None:
    counts = [0] * (24 * 7 * len(past)) + [0] * 24
    for week, count in enumerate(past):
        counts[24 * 7 * week + 12] = count
    assume(past[0])
    hours, lively = FeedPast(np.array(counts), np.ones(len(counts), np.int64), 0), len(counts) // 24
    run = HourSpan(len(counts) - 24, len(counts))
    found = usual_of(run, hours, lively, set(), Silence(log_odds, len(past)))
    n, mean = len(past), 0.75 * min(past)
    spread = max(float(np.var(past, ddof=1)), sum(past) / n) * (n + 1) / n
    if found is not None:
        assert found == min(past)
        assert mean * log(spread / mean) / (spread / mean - 1) >= log_odds / 10_000 * (1 - 1e-9)
    elif mean:
        assert 2 * mean * mean / (spread + mean) <= log_odds / 10_000 * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_silence_is_an_outage_of_a_feed_that_always_speaks(seed: int) -> None:
    dice = Random(seed)
    others = shop(dice, 50)
    assert judged(shop(dice, 60), others, silent_hours=24) is not None
    assert judged(shop(dice, 60), [0] * len(others), silent_hours=24) is not None, "nobody closes here"
    assert judged(shop(dice, 60), others, silent_hours=4) is None, "nobody comes by night"


@pytest.mark.parametrize("seed", range(3))
def test_few_customers_and_feeds_that_were_silent_before_are_none(seed: int) -> None:
    dice = Random(seed)
    others = shop(dice, 50)
    assert judged(shop(dice, 8), others, silent_hours=24) is None
    last = DAYS - 1
    rests = shop(dice, 60, closed=lambda day: day in (last - 21, last))
    assert judged(rests, others, silent_hours=24) is None, "it was closed on one of these days before"


@pytest.mark.parametrize("seed", range(3))
def test_who_closes_on_some_day_of_the_week_may_have_a_holiday_of_less_than_a_week(seed: int) -> None:
    dice = Random(seed)
    own = shop(dice, 90, closed=lambda day: day % 7 == 2)
    gone = [0] * len(own)
    assert judged(own, gone, silent_hours=24 * 3) is None
    assert judged(own, gone, silent_hours=24 * 7) is not None
    assert judged(own, shop(dice, 50), silent_hours=24 * 3) is not None, "others are there as usual: it is no holiday"


# -- which silence makes what true


def test_signals_rest_on_the_feeds_whose_silence_can_make_them_true() -> None:
    found = {signal.id: {FEEDS[feed] for feed in signal.silent_feeds} for signal in default_rules().signals}
    every = set(FEEDS)
    assert {name: feeds for name, feeds in found.items() if feeds} == {
        "onboarding_drop": every,
        "usage_drop": every,
        "purchase_drop_and_silence": {"purchase", "login"},
        "first_purchase_only": {"purchase"},
        "loyal_gone_silent": {"purchase"},
        "dormant_high_value": {"purchase"},
        "churn_risk": every,
    }


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        ("logins(7d) == 0", {"login"}),
        ("purchases(30d) <= 0.7 * purchases(30d before 30d)", {"purchase"}),
        ("purchases(60d) >= 1.5 * purchases(60d before 60d)", set()),
        ("tickets(7d) >= 3", set()),
        ("tickets(30d) + 1 >= logins(30d)", {"login"}),
        ("days_since_login > 15 or tickets(7d) > 1", {"login"}),
        ("-1 * days_since_purchase < -20", {"purchase"}),
        ("stage == lapsed", {"purchase"}),
        ("stage == active", set()),
        ("never", set()),
    ],
)
def test_a_comparison_rests_on_what_one_event_more_could_make_untrue(text: str, feeds: set[str]) -> None:
    condition, basis = compile_condition(text, {}).condition, default_rules().basis
    found = absent_feeds(condition, basis)
    assert {FEEDS[feed] for feed in found} == feeds
    heard = by_presence(condition, found, basis)
    assert not found or heard is not condition
    assert not absent_feeds(heard, basis)


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ({"chance": 0}, "chance"),
        ({"weeks": 1}, "weeks"),
        ({"owner": ""}, "owner"),
        ({"severity": "loud"}, "severity"),
        ({"playbook": "ask Ann"}, "playbook: must be an http"),
        ({"playbook": "javascript:alert(1)"}, "playbook: must be an http"),
        ({"chances": 0.1}, "Did you mean chance"),
        ("on", "must be a mapping"),
    ],
)
def test_mistakes_in_the_section_of_outages_are_explained(section: object, mistake: str) -> None:
    with pytest.raises(CatalogueError, match=mistake):
        build_rules(catalogue() | {"outage": section})


def test_the_playbook_of_outages_may_name_their_signal() -> None:
    rules = build_rules(catalogue() | {"outage": {"playbook": "https://x.example/{signal}"}})
    assert rules.outage_alert.playbook_url == "https://x.example/feed_outage"


def test_no_signal_may_be_called_as_the_alert_of_outages_is() -> None:
    own = catalogue()
    own["signals"]["feed_outage"] = own["signals"]["unsubscribed"]
    with pytest.raises(CatalogueError, match="not feed_outage"):
        build_rules(own)


# -- half of the partitions hear no login for five days

PARTITIONS, OFF, BACK, END = 4, 90, 95, 122
WORLD = World(customers=2_400, days=END, seed=5, start_ms=from_rfc3339("2025-03-01T00:00:00Z"))


class Run_:  # noqa: N801 - a run of the product; `Run` is one of hours
    """What was decided of the simulated customers, by the boundary."""

    def __init__(self, *, is_off: bool) -> None:
        rules: Rules = sending_all(default_rules())
        self.replay = Replay(rules, 1, together=PARTITIONS)
        self.by_day: dict[int, list[Message]] = {}
        self.down: dict[int, int] = {}
        day = 0
        for event in events():
            if (now := day_of(event.time_ms)) > day:
                day = now
                self.replay.until(WORLD.start_ms + day * DAY_MS + HOUR_MS)  # as ticks do
                self.by_day[day] = self.replay.drain()
                self.down[day] = population_of(self.replay.partitions[0]).feeds_down[LOGIN]
            if not (is_off and event.feed == LOGIN and OFF <= day < BACK and is_hit(event.customer_id)):
                self.replay.take(event)

    def sent(self, first: int, end: int) -> list[AlertV1]:
        """The alerts that were sent on some days."""
        found = [one for day in range(first, end) for one in self.by_day.get(day, ())]
        return [one for one in found if isinstance(one, AlertV1)]

    def first_sent(self, signal: str) -> dict[tuple[str, str], int]:
        """The day on which each alert of a signal was sent first, by customer and start."""
        found: dict[tuple[str, str], int] = {}
        for day in sorted(self.by_day):
            for one in self.sent(day, day + 1):
                if one.signal == signal and one.status == "firing":
                    found.setdefault((one.customer_id, one.starts_at), day)
        return found


@cache
def events() -> list[Event]:
    return simulate(WORLD)[0]


def day_of(time_ms: int) -> int:
    return (time_ms - WORLD.start_ms) // DAY_MS


def is_hit(customer_id: str) -> bool:
    return partition_of(customer_id.encode(), PARTITIONS) < PARTITIONS // 2


@cache
def run(*, is_off: bool) -> Run_:
    return Run_(is_off=is_off)


def test_one_case_tells_of_a_feed_that_is_down_until_it_is_back() -> None:
    told = [one for one in run(is_off=True).sent(0, END) if one.signal == "feed_outage"]
    assert [one.status for one in told] == ["firing"] * 2 + ["updated"] * 2 + ["resolved"] * 2
    assert {one.severity for one in told if one.escalated_at} == {"critical"}
    assert len({one.case_id for one in told}) == 1
    assert {one.customer_id for one in told} == {"feed:login"}
    assert {one.owner for one in told} == {"Platform"}
    assert sorted(place_of_alert(one, PARTITIONS) for one in told) == [0, 0, 0, 1, 1, 1]
    assert len({(one.alert_id, one.revision) for one in told}) == 6
    down = run(is_off=True).down
    assert {day for day, count in down.items() if count} == set(range(OFF + 1, BACK + 1))
    assert {down[day] for day in range(OFF + 1, BACK + 1)} == {PARTITIONS // 2}
    assert not [one for one in run(is_off=False).sent(0, END) if one.signal == "feed_outage"]


def test_nobody_is_told_of_an_absence_while_the_feed_is_down_and_who_is_really_silent_is_soon_behind_it() -> None:
    rests = {signal.id for signal in default_rules().signals if LOGIN in signal.silent_feeds}
    off, on = run(is_off=True), run(is_off=False)
    begun = [one for one in off.sent(OFF + 1, BACK + 1) if one.status == "firing" and one.signal in rests]
    assert not [one for one in begun if is_hit(one.customer_id)]
    assert [one for one in begun if not is_hit(one.customer_id)]
    delays, known = [], {event.customer_id for event in events() if day_of(event.time_ms) < OFF}
    for signal in sorted(rests):
        there = off.first_sent(signal)
        for (customer, start), day in on.first_sent(signal).items():
            if is_hit(customer) and customer in known and OFF < day <= BACK:
                ended = [one for one in on.sent(day, BACK + 3) if one.customer_id == customer and one.signal == signal]
                if ended[-1].is_open:
                    delays.append(there.get((customer, start), END) - BACK)
    assert len(delays) >= 10
    assert max(delays) <= 2, delays


def test_behind_an_outage_there_is_no_wave_of_those_who_merely_were_not_heard() -> None:
    off, on = run(is_off=True), run(is_off=False)
    counts = [
        len([one for one in of.sent(OFF + 1, BACK + 15) if one.status == "firing" and is_hit(one.customer_id)])
        for of in (off, on)
    ]
    assert abs(counts[0] - counts[1]) <= 0.05 * counts[1], counts


def test_nothing_is_taught_of_customers_whose_feed_is_down() -> None:
    def lessons(of: Run_, first: int, end: int) -> list[LessonV1]:
        return [one for day in range(first, end) for one in of.by_day.get(day, ()) if isinstance(one, LessonV1)]

    off, on = run(is_off=True), run(is_off=False)
    assert not [one for one in lessons(off, OFF + 1, BACK + 1) if is_hit(one.customer_id)]
    assert [one for one in lessons(on, OFF + 1, BACK + 1) if is_hit(one.customer_id)]
    first, end = (WORLD.start_ms + day * DAY_MS for day in (OFF + 1, BACK + 1))
    taught = [(one.customer_id, from_rfc3339(snap.at)) for one in lessons(off, 0, END) for snap in one.snapshots]
    assert not [1 for customer, at in taught if is_hit(customer) and first <= at < end]


def test_what_is_held_by_a_feed_that_is_down_puts_nobody_at_risk_and_is_on_record() -> None:
    held = [
        one
        for day in range(OFF + 1, BACK + 1)
        for one in run(is_off=True).by_day[day]
        if isinstance(one, SuppressedV1) and one.rule == "feed_down"
    ]
    assert held
    assert {one.passes_at for one in held} == {None}
    assert all(is_hit(one.alert.customer_id) for one in held)
    assert {one.alert.arm for one in held} == {None}


def test_an_alert_that_is_held_makes_no_other_critical() -> None:
    held: set[tuple[str, str]] = set()
    seen = 0
    for day in sorted(run(is_off=True).by_day):
        told = run(is_off=True).by_day[day]
        held -= {(one.customer_id, one.signal) for one in told if isinstance(one, AlertV1)}
        now = [one for one in told if isinstance(one, SuppressedV1) and one.rule == "feed_down"]
        held |= {(one.alert.customer_id, one.alert.signal) for one in now if one.alert.is_open}
        held -= {(one.alert.customer_id, one.alert.signal) for one in now if not one.alert.is_open}
        assert not [one for one in now if one.alert.corroborated_by]
        for one in told:
            if isinstance(one, AlertV1) and one.is_open:
                assert not [name for name in one.corroborated_by if (one.customer_id, name) in held]
                seen += bool(one.corroborated_by)
    assert seen


def test_only_who_logged_in_unheard_is_told_of_whom_nobody_would_be_without_the_outage() -> None:
    """Nobody can know of a login on a lost day: who is silent on the days that were heard is told of, as all others."""
    rests = sorted(signal.id for signal in default_rules().signals if LOGIN in signal.silent_feeds)
    unheard = {
        one.customer_id
        for one in events()
        if one.feed == LOGIN and OFF <= day_of(one.time_ms) < BACK and is_hit(one.customer_id)
    }
    count, without = 0, []
    for signal in rests:
        there = {(who, day) for (who, _), day in run(is_off=False).first_sent(signal).items()}
        for (who, start), day in run(is_off=True).first_sent(signal).items():
            if day > OFF and is_hit(who):
                count += 1
                if not any((who, day + by) in there for by in range(-7, 8)):
                    without.append((signal, who, start, day))
    assert not [one for one in without if one[1] not in unheard], without
    assert not [one for one in without if one[3] <= BACK], without
    assert len(without) <= 0.1 * count, without


def test_without_the_section_or_with_it_off_no_feed_is_down() -> None:
    for section in ({"outage": "off"}, {}):
        own = {key: value for key, value in catalogue().items() if key != "outage"} | section
        assert without_model(build_rules(own)).basis.silence is None
