"""What breaks when a rule is dropped (design of the engine, rule by rule): each sabotage must be noticed.

One shared history, four patterns of arrival, each also with crashes. The engine as it is passes all eight; with one
rule dropped at least one of the eight differs from the oracle.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import pytest

import models.announcement
import models.engine
import models.episodes
from models.activity import day_buckets, fold, forget
from models.alerting import Telling, build_alert
from models.announcement import start_score
from models.config import Basis
from models.alerts.corroboration import Witnesses, witnesses_of
from models.customer import Customer
from models.engine import Engine
from models.episodes import Judge, Output
from models.partition import Batch, Partition
from models.partition_record import PARTITION_KEY
from models.catalogue.catalogue import Rules, Signal, without_model
from models.signals.measures import View
from models.watermark import Watermark
from schemas.alert import AlertV1
from schemas.event import Event
from support.one_partition import DAY_MS, PATTERNS, Outcome, Worker, differences, logs_of, oracle, run
from support.troubled import FIRST_DAY, default_rules, make_event, rich_history

RULES = without_model(default_rules())
NAMES = ("mixed", "e-mails to purchases", "aligned", "sorted")
END_MS = (FIRST_DAY + 470) * DAY_MS


@cache
def history() -> tuple[Event, ...]:
    """Customers of all temperaments for five months, and a few who come now and then for more than a year."""
    events = rich_history(20, customers=8, days=150)
    rng = random.Random(7)
    for number in range(120):
        day = rng.randrange(440)
        time_ms = (FIRST_DAY + day) * DAY_MS + rng.randrange(DAY_MS)
        events.append(make_event(rng.randrange(4), f"rare{number % 3}", time_ms, 100_000 + number, rng.randrange(60)))
    return tuple(events)


@cache
def truth() -> Outcome:
    """What the engine as it is says of events in order of time."""
    return oracle(RULES, history(), END_MS)


def noticed(name: str, crashes: int, made: type[Partition] = Partition, life: type[Worker] = Worker) -> list[str]:
    """What differs from the truth in one arrival of the history."""
    rng = random.Random(crashes)
    logs = logs_of(history())
    return differences(
        run(RULES, logs, PATTERNS[name], rng, crashes=crashes, made=made, life=life, until_ms=END_MS), truth()
    )


@pytest.mark.parametrize("crashes", [0, 8])
@pytest.mark.parametrize("name", NAMES)
def test_with_all_rules_kept_nothing_differs(name: str, crashes: int) -> None:
    assert noticed(name, crashes) == []


# -- the record


def last_activity_is_the_greatest_seen(patch: pytest.MonkeyPatch) -> None:
    def last_active(view: View, feeds: tuple[int, ...]) -> int | None:
        days = [day for feed in feeds if feed in view.basis.feeds for day in day_buckets(view.customer)[feed]]
        return max(days, default=None)

    patch.setattr(View, "last_active", last_active)


def purchases_are_not_cut_at_the_boundary(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(View, "open_purchases", lambda _view, _column: 0)


def the_schedule_ignores_open_buckets(patch: pytest.MonkeyPatch) -> None:
    take_stock = Engine._take_stock

    def forgetful(engine: Engine, customer: Customer, boundary: int, news: Sequence[int]) -> None:
        take_stock(engine, customer, boundary, news)
        customer.fresh = {}

    patch.setattr(Engine, "_take_stock", forgetful)


def the_stage_does_not_hear_of_purchases(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Engine, "_stage_hears", lambda *_: (0, 0))


def signals_do_not_hear_of_closed_days(patch: pytest.MonkeyPatch) -> None:
    open_what_is_new = Engine._open_what_is_new

    def deaf(engine: Engine, customer: Customer, boundary: int) -> Sequence[int]:
        quiet = bytearray(customer.quiet)
        news = open_what_is_new(engine, customer, boundary)
        customer.quiet = quiet or customer.quiet
        return news

    patch.setattr(Engine, "_open_what_is_new", deaf)


def old_buckets_are_forgotten_in_observe(patch: pytest.MonkeyPatch) -> None:
    observe = Engine.observe

    def forgetting(engine: Engine, customer: Customer, event: Event, offset: int, day: int) -> Any:
        observed = observe(engine, customer, event, offset, day)
        newest = max((seen for days in day_buckets(customer) for seen in days), default=day)
        forget(customer, newest - engine.basis.keep_days)
        return observed

    patch.setattr(Engine, "observe", forgetting)


def first_seen_is_the_first_to_arrive(patch: pytest.MonkeyPatch) -> None:
    def first_come(customer: Customer, event: Event, day: int, rates: Mapping[str, float]) -> None:
        known = [first for first in customer.first if first >= 0]
        fold(customer, event, day, rates)
        if known:
            customer.first = [first if first < 0 else max(first, min(known)) for first in customer.first]

    patch.setattr(models.engine, "fold", first_come)


# -- announcements


def _announcements_say(patch: pytest.MonkeyPatch, more: Callable[[AlertV1, View, AlertV1], AlertV1]) -> None:
    def saying_more(rules: Rules, signal: Signal, view: View, telling: Telling) -> AlertV1:
        alert = build_alert(rules, signal, view, telling)
        if not telling.is_announcement:
            return alert
        telling.episode.stage = view.customer.stage
        full = build_alert(
            rules, signal, view, Telling(telling.customer_id, "firing", telling.episode, None, telling.alerts_from_ms)
        )
        return more(alert, view, full)

    patch.setattr(models.episodes, "build_alert", saying_more)


def announcements_say_the_stage(patch: pytest.MonkeyPatch) -> None:
    _announcements_say(patch, lambda alert, _view, full: msgspec.structs.replace(alert, stage=full.stage))


def announcements_say_the_spend(patch: pytest.MonkeyPatch) -> None:
    _announcements_say(
        patch, lambda alert, _view, full: msgspec.structs.replace(alert, value_at_risk=full.value_at_risk)
    )


def announced_episodes_are_ended_by_reviews_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(models.announcement, "_first_end", lambda *_: None)


def ends_of_announced_episodes_are_recomputed_without_a_bound(patch: pytest.MonkeyPatch) -> None:
    first_end = models.announcement._first_end

    def unbounded(signal: Signal, customer: Customer, start: int, first: int, last: int, basis: Basis) -> int | None:
        return first_end(signal, customer, start, first, last + basis.keep_days, basis)

    patch.setattr(models.announcement, "_first_end", unbounded)


def announced_only_while_no_end_is_known_and_later_starts_are_ignored(patch: pytest.MonkeyPatch) -> None:
    def begins(signal: Signal, customer: Customer, day: int, basis: Basis) -> float | None:
        if signal.id in customer.episodes or signal.id in customer.announced:
            return None
        return start_score(signal, View(customer, day + 1, basis), customer.cooling.get(signal.id))

    decide = Judge._decide_announced

    def ignoring(judge: Judge, signal: Signal) -> Any:
        begun = decide(judge, signal)
        judge.customer.announced.pop(signal.id, None)
        return begun

    patch.setattr(models.engine, "begins", begins)
    patch.setattr(Judge, "_decide_announced", ignoring)


def announcements_are_corroborated_at_once(patch: pytest.MonkeyPatch) -> None:
    witnesses = witnesses_of(RULES)

    def corroborated(alert: AlertV1, view: View, _full: AlertV1) -> AlertV1:
        found = witnesses.get(alert.signal, frozenset()) & view.customer.episodes.keys()
        return msgspec.structs.replace(alert, corroborated_by=tuple(sorted(found)))

    _announcements_say(patch, corroborated)


# -- corroboration


def corroboration_waits_until_the_other_alert_has_news_of_its_own(patch: pytest.MonkeyPatch) -> None:
    corroborate = Judge._corroborate

    def waiting(judge: Judge, witnesses: Witnesses) -> None:
        told = {signal.id for signal, _ in judge.told}
        corroborate(judge, {signal: others for signal, others in witnesses.items() if signal in told})

    patch.setattr(Judge, "_corroborate", waiting)


def an_alert_stays_critical_when_its_witness_is_gone(patch: pytest.MonkeyPatch) -> None:
    corroborate = Judge._corroborate

    def clinging(judge: Judge, witnesses: Witnesses) -> None:
        kept = {signal: {*episode.corroborated_by} for signal, episode in judge.customer.episodes.items()}
        if len(kept) > 1:
            corroborate(judge, {signal: others | kept.get(signal, set()) for signal, others in witnesses.items()})

    patch.setattr(Judge, "_corroborate", clinging)


RULES_OF_THE_ENGINE = (
    last_activity_is_the_greatest_seen,
    purchases_are_not_cut_at_the_boundary,
    the_schedule_ignores_open_buckets,
    the_stage_does_not_hear_of_purchases,
    signals_do_not_hear_of_closed_days,
    old_buckets_are_forgotten_in_observe,
    first_seen_is_the_first_to_arrive,
    announcements_say_the_stage,
    announcements_say_the_spend,
    announced_episodes_are_ended_by_reviews_only,
    ends_of_announced_episodes_are_recomputed_without_a_bound,
    announced_only_while_no_end_is_known_and_later_starts_are_ignored,
    announcements_are_corroborated_at_once,
    corroboration_waits_until_the_other_alert_has_news_of_its_own,
    an_alert_stays_critical_when_its_witness_is_gone,
)


@pytest.mark.parametrize("sabotage", RULES_OF_THE_ENGINE, ids=lambda sabotage: sabotage.__name__)
def test_a_dropped_rule_of_the_engine_is_noticed(
    sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(b'"critical"' in payload for payloads in truth().told.values() for payload in payloads)
    sabotage(monkeypatch)
    assert any(noticed(name, 0) for name in NAMES)


# -- the partition


class OfFeedsWithData(Watermark):
    @property
    def value_ms(self) -> int | None:
        highs = [high for high in self._state.highs if high >= 0]
        return min(highs) - self._basis.disorder_ms if highs else None


class WatermarkOfFeedsWithData(Partition):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.watermark = OfFeedsWithData(self.state, self.basis)


class OneGuardForAllTopics(Partition):
    def _apply(self, event: Event, offset: int) -> Any:
        customer = self._find(event.customer_id.encode())
        if customer is not None and offset <= max(customer.offsets):
            return self._recount(customer, event.feed, offset)
        return super()._apply(event, offset)


class NoGuard(Partition):
    def _apply(self, event: Event, offset: int) -> Any:
        customer = self._find(event.customer_id.encode())
        if customer is not None:
            customer.offsets[event.feed] = -1
        return super()._apply(event, offset)


class NeitherGuardNorIds(NoGuard):
    def _apply(self, event: Event, offset: int) -> Any:
        customer = self._find(event.customer_id.encode())
        if customer is not None:
            customer.seen = b""
        return super()._apply(event, offset)


class NoOutbox(Partition):
    def _publish(self, customer_id: str, customer: Customer, outputs: list[Output]) -> None:
        kept = list(customer.outbox)
        super()._publish(customer_id, customer, outputs)
        customer.outbox = kept


class OutboxOfTheLastWrite(Partition):
    def finish(self) -> Batch:
        for customer in self._touched.values():
            customer.outbox = [parcel for parcel in customer.outbox if parcel.sequence == self.state.sequence]
        return super().finish()


class EveryoneDueAfterARestore(Partition):
    def _restore(self) -> None:
        super()._restore()
        for key in self.records.keys() - {PARTITION_KEY}:
            customer = self._load(key)
            customer.due, customer.quiet = self.state.boundary + 1, bytearray()
            self.schedule.add(key, customer.due)


class CalendarOfEventsOnly(Partition):
    def _restore(self) -> None:
        super()._restore()
        self.schedule.clear()


class PartitionRecordFirst(Worker):
    def ordered(self, writes: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        return sorted(writes.items(), key=lambda item: item[0] != PARTITION_KEY)


@pytest.mark.parametrize(
    ("made", "life", "crashes"),
    [
        (WatermarkOfFeedsWithData, Worker, 0),
        (OneGuardForAllTopics, Worker, 0),
        (NoGuard, Worker, 8),
        (NeitherGuardNorIds, Worker, 8),
        (Partition, PartitionRecordFirst, 8),
        (NoOutbox, Worker, 8),
        (OutboxOfTheLastWrite, Worker, 8),
        (EveryoneDueAfterARestore, Worker, 8),
        (CalendarOfEventsOnly, Worker, 8),
    ],
)
def test_a_dropped_rule_of_the_worker_is_noticed(made: type[Partition], life: type[Worker], crashes: int) -> None:
    assert any(noticed(name, crashes, made, life) for name in NAMES)
