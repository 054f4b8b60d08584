"""The number of partitions decides who works, not what is decided: stages, alerts, lessons, weights are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from random import Random
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.learning_replay import LearningReplay
from models.engine.replay import Replay
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import FEEDS, PURCHASE, Event
from schemas.example import ProgressV1
from schemas.partitioner import partition_of
from schemas.reviewed import ReviewedV1
from streams.files.catalogue_file import rules_of
from streams.files.commands import among
from streams.settings import Settings
from support.builders import DAY_MS
from support.shop import shop
from support.silences import silent_history
from support.spoken import spoken_of
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history

COUNTS: Final = (2, 12)
ANCHOR: Final = default_rules().basis.calendar.text_of(FIRST_DAY + 21)[:10]
LEARNING: Final = rules_of(
    f"{{base: default, feeds: [purchase], model: {{horizon_days: 28, risk_set_days: 60, anchor: {ANCHOR}}}}}",
    Settings(),
)


def decided(
    replay: Replay, events: Iterable[Event], until_ms: int | None = None, commands: Sequence[Command] = ()
) -> Counter[str]:
    for one in among(commands, sorted(events, key=lambda event: (event.time_ms, event.feed))):
        replay.take(one)
    if until_ms is not None:
        replay.until(until_ms)
    return Counter(repr(message) for message in replay.drain() if not isinstance(message, ProgressV1 | ReviewedV1))


@given(seed=st.integers(0, 999), customers=st.integers(1, 9), silent_days=st.integers(0, 90), is_ticked=st.booleans())
@settings(max_examples=tries(12))
def test_stages_and_alerts_are_the_same_for_any_number_of_partitions(
    seed: int,
    customers: int,
    silent_days: int,
    is_ticked: bool,  # noqa: FBT001 - drawn
) -> None:
    rules = without_model(default_rules())
    events = rich_history(seed, customers=customers, days=45)
    end_ms = max(event.time_ms for event in events)
    shown = [
        replace(one, id=f"last-{feed}", customer_id="somebody-else", time_ms=end_ms + silent_days * DAY_MS)
        for feed, one in {event.feed: event for event in events}.items()
    ]
    until_ms = end_ms + 30 * DAY_MS if is_ticked else None
    truth = decided(Replay(rules, 1), [*events, *shown], until_ms)
    for count in COUNTS:
        assert decided(Replay(rules, count), [*events, *shown], until_ms) == truth


@given(seed=st.integers(0, 9_999), partitions=st.sampled_from(COUNTS))
@settings(max_examples=tries(8))
def test_one_partition_that_stands_for_all_knows_their_feeds_apart(seed: int, partitions: int) -> None:
    rules = without_model(build_rules(catalogue() | {"outage": {"chance": 0.4, "weeks": 2}}))
    dice = Random(seed)
    events = silent_history(dice, range(len(FEEDS)), customers=12)
    gone = dice.randrange(partitions)
    first_ms = (FIRST_DAY + dice.randrange(20, 60)) * DAY_MS
    events = [
        one for one in events
        if one.feed or partition_of(one.customer_id.encode(), partitions) != gone
        or not first_ms <= one.time_ms < first_ms + 6 * DAY_MS
    ]  # fmt: skip
    until_ms = max(event.time_ms for event in events) + 10 * DAY_MS
    truth = decided(Replay(rules, partitions), events, until_ms)
    assert any("feed_outage" in one for one in truth)
    assert decided(Replay(rules, 1, together=partitions), events, until_ms) == truth
    said = about_feeds(rules, partitions, events, dice)
    answered = decided(Replay(rules, partitions), events, until_ms, said)
    assert any("ReceiptV1" in one and "status='done'" in one for one in answered)
    assert decided(Replay(rules, 1, together=partitions), events, until_ms, said) == answered


def about_feeds(rules: Rules, partitions: int, events: Sequence[Event], dice: Random) -> list[Command]:
    """What is said of the alerts of feeds, each in whichever partition tells of it."""
    replay = Replay(rules, partitions)
    for event in sorted(events, key=lambda event: (event.time_ms, event.feed)):
        replay.take(event)
    alerts = [one for one in replay.drain() if isinstance(one, AlertV1) and one.is_of_feed]
    said = [one for one in spoken_of([*alerts, *alerts], [], dice) if isinstance(one, Command)]
    return sorted(said, key=lambda one: (one.at_ms, one.id))


@cache
def learned(partitions: int) -> tuple[Counter[str], object]:
    replay = LearningReplay(LEARNING, partitions)
    found = decided(replay, shop())
    return found, replay.committee.to_state()


def test_lessons_weights_and_alerts_of_the_model_are_the_same_for_any_number_of_partitions() -> None:
    assert all(event.feed == PURCHASE for event in shop())
    for count in COUNTS:
        assert learned(count) == learned(1)
