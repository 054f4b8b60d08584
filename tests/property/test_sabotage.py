"""What breaks when a rule is dropped (design of the engine, rule by rule): each sabotage must be noticed.

One shared history, four patterns of arrival, each also with crashes; and one with late events. The engine as it is
passes all; with one rule dropped at least one differs from the truth.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest

import models.alerts.early
import models.customers.clocks
import models.customers.customers
import models.engine.followup
import models.engine.partition
import models.engine.review
from models.alerts.corroboration import corroborate, witnesses_of
from models.alerts.early import Beginning, FeedDays, beginning
from models.alerts.episode import SignalAlerts
from models.alerts.lifecycle import Judgement
from models.catalogue.rules import Signal, without_model
from models.customers.arrays import NO_ROWS, Ints, Rows, Selection
from models.customers.clocks import move_gaps
from models.customers.columns import STAGE_NAMES, Columns
from models.customers.customers import Customers
from models.customers.days import Closed, Days
from models.engine.arrivals import AGAIN, Arrival, Fate
from models.engine.frame import Frame, Single
from models.engine.ids import SeenIds
from models.engine.partition import Partition
from models.engine.review import Message, Review
from models.engine.watermark import Watermark
from models.measures.as_of import AsOf, Reading
from models.measures.scalars import DaysSinceLogin, DaysSincePurchase, PurchasesTotal, SlopeZ
from models.measures.windows import Window, Windows
from models.scoring.worth import SPENT
from property.test_arrival import scattered
from schemas.alert import AlertV1, Money
from schemas.event import Event
from support.one_partition import (
    DAY_MS,
    PATTERNS,
    Entry,
    Kind,
    Logs,
    Outcome,
    Worker,
    differences,
    logs_of,
    oracle,
    run,
    told_again,
    without_forsaken,
)
from support.tries import every_third
from support.troubled import FIRST_DAY, default_rules, make_event, rich_history

RULES = without_model(default_rules())
NAMES = ("mixed", "e-mails to purchases", "aligned", "sorted")
END_MS = (FIRST_DAY + 150) * DAY_MS


@cache
def history() -> tuple[Event, ...]:
    """Customers of all temperaments for three months, and a few who come now and then."""
    events = rich_history(20, customers=8, days=100)
    rng = random.Random(7)
    for number in range(60):
        day = rng.randrange(130)
        time_ms = (FIRST_DAY + day) * DAY_MS + rng.randrange(DAY_MS)
        events.append(make_event(rng.randrange(4), f"rare{number % 3}", time_ms, 100_000 + number, rng.randrange(60)))
    buys, asks = [(0, day) for day in range(0, 46, 9)], [(2, 75 + number // 3) for number in range(4)]
    for number, (feed, day) in enumerate([*buys, *asks]):  # a loyal customer falls silent, then has trouble
        time_ms = (FIRST_DAY + day) * DAY_MS + DAY_MS // 2 + number * 60_000
        events.append(make_event(feed, "loyal", time_ms, 200_000 + number, 0))
    return tuple(events)


@cache
def truth() -> Outcome:
    """What the engine as it is says of events in order of time."""
    return oracle(RULES, history(), END_MS)


def noticed(name: str, crashes: int, kind: Kind = Kind(), life: type[Worker] = Worker) -> list[str]:  # noqa: B008 - frozen
    """What differs from the truth in one arrival of the history."""
    rng = random.Random(crashes)
    logs = logs_of(history())
    found = run(RULES, logs, PATTERNS[name], rng, crashes=crashes, kind=kind, life=life, until_ms=END_MS)
    return differences(found, truth())


def arrival_with_late_events(crashes: int, name: str = "sorted", kind: Kind = Kind()) -> Outcome:  # noqa: B008 - frozen
    return run(RULES, late_logs(), PATTERNS[name], random.Random(crashes), crashes=crashes, kind=kind)


@cache
def late_logs() -> Logs:
    """Of a longer history with returns after long silences, in which many come late."""
    logs = scattered([*history(), *rich_history(5, customers=14, days=130)], random.Random(1), 0.3)
    for number, (day, arrives) in enumerate(((3, 3), (75, 78))):  # back after a long silence, but it is known late
        event = make_event(0, "back", (FIRST_DAY + day) * DAY_MS + DAY_MS // 2, 300_000 + number, 1)
        logs[0].append(Entry((FIRST_DAY + arrives) * DAY_MS + DAY_MS // 2, event))
    logs[0].sort(key=lambda entry: entry.arrived_ms)
    return logs


@cache
def truth_of_late_events() -> Outcome:
    """What the engine as it is says when some come late."""
    return arrival_with_late_events(0)


def test_history_has_what_the_rules_are_about() -> None:
    payloads = b"".join(payload for told in truth().told.values() for payload in told)
    for text in (b'"critical"', b'"resolved"', b'"expired"', b'"stage":null', b'"rule":"capped"'):
        assert text in payloads, text
    assert sum(counts["applied_late"] for counts in truth_of_late_events().counts) > 50


@pytest.mark.parametrize("crashes", [0, 8])
@pytest.mark.parametrize("name", NAMES)
def test_with_all_rules_kept_nothing_differs(name: str, crashes: int) -> None:
    assert noticed(name, crashes) == []


def test_with_all_rules_kept_lives_agree_about_late_events() -> None:
    for name in ("sorted", "aligned"):
        found = arrival_with_late_events(8, name)
        assert differences(found, told_again(RULES, late_logs(), found)) == [], name


# -- the columns


def last_login_is_the_greatest_seen(patch: pytest.MonkeyPatch) -> None:
    read = DaysSinceLogin.read

    def reading(measure: DaysSinceLogin, as_of: AsOf, chosen: Selection) -> Reading:
        last = as_of.columns.last_login.copy()
        for day, opened in as_of.customers.days.open.items():
            as_of.columns.last_login[opened._logins._rows] = day
        found = read(measure, as_of, chosen)
        as_of.columns.last_login[:] = last
        return found

    patch.setattr(DaysSinceLogin, "read", reading)


def last_purchase_is_the_greatest_seen(patch: pytest.MonkeyPatch) -> None:
    read = DaysSincePurchase.read

    def reading(measure: DaysSincePurchase, as_of: AsOf, chosen: Selection) -> Reading:
        last = as_of.columns.last_purchase.copy()
        for day, opened in as_of.customers.days.open.items():
            as_of.columns.last_purchase[opened._purchases._rows] = day
        found = read(measure, as_of, chosen)
        as_of.columns.last_purchase[:] = last
        return found

    patch.setattr(DaysSincePurchase, "read", reading)


def purchases_are_not_cut_at_the_boundary(patch: pytest.MonkeyPatch) -> None:
    def reading(_measure: PurchasesTotal, as_of: AsOf, chosen: Selection) -> Reading:
        totals = as_of.columns.purchases_total.copy()
        for opened in as_of.customers.days.open.values():
            np.add.at(totals, opened._purchases._rows, 1)
        return Reading(totals[: as_of.size][chosen], None)

    patch.setattr(PurchasesTotal, "read", reading)


def windows_are_not_moved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Windows, "move", lambda windows, customers: windows.grow(customers.columns.capacity))


def what_leaves_a_window_stays(patch: pytest.MonkeyPatch) -> None:
    move = Windows.move

    def growing(windows: Windows, customers: Customers) -> None:
        before = {window: sums.values.copy() for window, sums in windows._sums.items()}
        move(windows, customers)
        for window, sums in before.items():
            now = windows._sums[window].values
            np.maximum(now[: len(sums)], sums, out=now[: len(sums)], casting="unsafe")

    patch.setattr(Windows, "move", growing)


def first_seen_is_the_first_to_arrive(patch: pytest.MonkeyPatch) -> None:
    look_up, go_on = Frame.look_up, Partition.go_on
    firsts: dict[str, int] = {}

    def noting(frame: Frame, first: int, end: int, *others: Any) -> Any:
        for event in frame.events[first:end]:
            firsts.setdefault(event.customer_id, frame.customers.basis.calendar.day_of(event.time_ms))
        return look_up(frame, first, end, *others)

    def judging(partition: Partition, most: int = 1 << 60) -> None:
        columns = partition.customers.columns
        for row, customer in enumerate(partition.customers.roster.ids):
            if columns.first_day[row] < partition.customers.boundary:
                columns.first_day[row] = firsts[customer]
        go_on(partition, most)

    patch.setattr(Frame, "look_up", noting)
    patch.setattr(Partition, "go_on", judging)


# -- early firing


def _early_alerts_say(patch: pytest.MonkeyPatch, more: Callable[[AlertV1, Review, int], AlertV1]) -> None:
    fire_early = Review.fire_early

    def saying_more(review: Review, signals: Sequence[SignalAlerts], row: int, day: int) -> list[Message]:
        found = fire_early(review, signals, row, day)
        return [more(one, review, row) if isinstance(one, AlertV1) else one for one in found]

    patch.setattr(Review, "fire_early", saying_more)


def early_alerts_say_the_stage(patch: pytest.MonkeyPatch) -> None:
    def more(alert: AlertV1, review: Review, row: int) -> AlertV1:
        return msgspec.structs.replace(alert, stage=STAGE_NAMES[review.customers.columns.stage[row]])

    _early_alerts_say(patch, more)


def early_alerts_say_the_spend(patch: pytest.MonkeyPatch) -> None:
    def more(alert: AlertV1, review: Review, row: int) -> AlertV1:
        sums = review.windows.sums(SPENT)
        return msgspec.structs.replace(
            alert, value_at_risk=Money(float(sums[row]) / 100 if row < len(sums) else 0.0, "USD")
        )

    _early_alerts_say(patch, more)


def early_alerts_are_corroborated_at_once(patch: pytest.MonkeyPatch) -> None:
    witnesses = witnesses_of(RULES)

    def more(alert: AlertV1, review: Review, row: int) -> AlertV1:
        is_open = {of.signal.id for of in review.alerts if of.open.place(row) is not None}
        found = witnesses.get(alert.signal, frozenset()) & is_open
        return msgspec.structs.replace(alert, corroborated_by=tuple(sorted(found)))

    _early_alerts_say(patch, more)


def early_episodes_are_ended_by_reviews_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(models.alerts.early, "_first_end", lambda *_: None)


def ends_of_early_episodes_are_looked_for_without_a_bound(patch: pytest.MonkeyPatch) -> None:
    first_end = models.alerts.early._first_end

    def unbounded(signal: Signal, days: FeedDays, start: int, first: int, last: int) -> int | None:
        return first_end(signal, days, start, first, last + 40)

    patch.setattr(models.alerts.early, "_first_end", unbounded)


def fired_early_only_while_nothing_is_open_and_later_starts_are_ignored(patch: pytest.MonkeyPatch) -> None:
    def begins(alerts: SignalAlerts, row: int, days: FeedDays, day: int, _reviewed: int) -> Beginning | None:
        if alerts.open.place(row) is not None or row in alerts.early:
            return None
        return beginning(alerts.signal, days.at(day + 1), None)

    retract = Judgement._retract

    def ignoring(judgement: Judgement, day: int) -> None:
        retract(judgement, day)
        judgement.alerts.early.clear()

    patch.setattr(models.engine.review, "begins", begins)
    patch.setattr(Judgement, "_retract", ignoring)


# -- corroboration


def corroboration_waits_until_the_other_alert_has_news_of_its_own(patch: pytest.MonkeyPatch) -> None:
    def waiting(alerts: Any, witnesses: Any, revisions: Any, rows: Any, doubted: Any) -> None:
        having = {signal for signal, told in revisions.items() if told}
        own = {one: others for one, others in witnesses.items() if one in having}
        corroborate(alerts, own, revisions, rows, doubted)

    patch.setattr(models.engine.followup, "corroborate", waiting)


def an_alert_stays_critical_when_its_witness_is_gone(patch: pytest.MonkeyPatch) -> None:
    def clinging(alerts: Any, witnesses: Any, revisions: Any, rows: Rows, doubted: Any) -> None:
        raised = {row for of in alerts for row in of.corroborated}
        free = np.array([row for row in rows.tolist() if row not in raised], np.int32)
        corroborate(alerts, witnesses, revisions, free, doubted)

    patch.setattr(models.engine.followup, "corroborate", clinging)


def the_watermark_is_that_of_feeds_with_data(patch: pytest.MonkeyPatch) -> None:
    def value_ms(watermark: Watermark) -> int | None:
        highs = [high for high in watermark.highs if high >= 0]
        return min(highs) - watermark._basis.disorder_ms if highs else None

    patch.setattr(Watermark, "value_ms", property(value_ms))


RULES_OF_THE_ENGINE = (
    last_login_is_the_greatest_seen,
    last_purchase_is_the_greatest_seen,
    purchases_are_not_cut_at_the_boundary,
    windows_are_not_moved,
    what_leaves_a_window_stays,
    first_seen_is_the_first_to_arrive,
    early_alerts_say_the_stage,
    early_alerts_say_the_spend,
    early_alerts_are_corroborated_at_once,
    early_episodes_are_ended_by_reviews_only,
    ends_of_early_episodes_are_looked_for_without_a_bound,
    fired_early_only_while_nothing_is_open_and_later_starts_are_ignored,
    corroboration_waits_until_the_other_alert_has_news_of_its_own,
    an_alert_stays_critical_when_its_witness_is_gone,
    the_watermark_is_that_of_feeds_with_data,
)
Sabotage = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize("sabotage", every_third(RULES_OF_THE_ENGINE), ids=lambda sabotage: sabotage.__name__)
def test_a_dropped_rule_of_the_engine_is_noticed(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert truth().told
    sabotage(monkeypatch)
    assert any(noticed(name, 0) for name in NAMES)


# -- late events


def windows_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Windows, "recount", lambda *_: None)


def clocks_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    def standing(_columns: Columns, _days: Days, late: list[Closed], *_: object) -> Rows:
        rows = [cells.rows for closed in late for cells in closed.cells.values()]
        return np.unique(np.concatenate(rows)) if rows else NO_ROWS

    patch.setattr(models.customers.customers, "move_late", standing)


def gaps_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    def unconcerned(columns: Columns, days: Days, _concerned: Rows, *rest: Any) -> None:
        move_gaps(columns, days, NO_ROWS, *rest)

    patch.setattr(models.customers.customers, "move_gaps", unconcerned)


def restarts_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    def standing(columns: Columns, _days: Days, rows: Rows, *_: object) -> Ints:
        return columns.restart[rows]

    patch.setattr(models.customers.clocks, "restarts", standing)


def notes_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Days, "_merge_buckets", lambda *_: None)


def signals_of_presence_forget_late_events(patch: pytest.MonkeyPatch) -> None:
    close = Customers.close

    def deaf(customers: Customers, day: int) -> Ints:
        stages = close(customers, day)
        customers.late_rows = NO_ROWS
        return stages

    patch.setattr(Customers, "close", deaf)


def late_events_count_when_they_come(patch: pytest.MonkeyPatch) -> None:
    """At the boundary that is being judged, if it has not come to their day yet."""
    apply = Partition._apply

    def at_once(partition: Partition, event: Event, at: Single, offset: int) -> Fate:
        boundary = partition.watermark.boundary
        if partition.is_behind:
            partition.watermark.boundary = partition.customers.boundary
        try:
            return apply(partition, event, at, offset)
        finally:
            partition.watermark.boundary = boundary

    patch.setattr(Partition, "_apply", at_once)


RULES_ABOUT_LATE_EVENTS = (
    windows_forget_late_events,
    clocks_forget_late_events,
    gaps_forget_late_events,
    restarts_forget_late_events,
    notes_forget_late_events,
    signals_of_presence_forget_late_events,
    late_events_count_when_they_come,
)


@pytest.mark.parametrize("sabotage", every_third(RULES_ABOUT_LATE_EVENTS), ids=lambda sabotage: sabotage.__name__)
def test_a_dropped_rule_about_late_events_is_noticed(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert truth_of_late_events().told
    sabotage(monkeypatch)
    assert differences(arrival_with_late_events(0), truth_of_late_events())


# -- who stands beside whom


def a_row_s_number_decides(patch: pytest.MonkeyPatch) -> None:
    read = SlopeZ.read

    def reading(measure: SlopeZ, as_of: AsOf, chosen: Selection) -> Reading:
        values, known = read(measure, as_of, chosen)
        return Reading(values - 0.05 * as_of.rows(chosen), known)

    patch.setattr(SlopeZ, "read", reading)


def those_beside_decide(patch: pytest.MonkeyPatch) -> None:
    window = AsOf.window

    def reading(as_of: AsOf, asked: Window, chosen: Selection) -> Reading:
        values, known = window(as_of, asked, chosen)
        return Reading(values + np.max(values, initial=0) // 2, known)

    patch.setattr(AsOf, "window", reading)


@pytest.mark.parametrize("sabotage", [a_row_s_number_decides, those_beside_decide])
def test_a_decision_that_depends_on_the_rows_beside_is_noticed_even_by_itself(
    sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)
    own_truth = oracle(RULES, history(), END_MS)
    rng = random.Random(3)
    found = [run(RULES, logs_of(history()), PATTERNS[name], rng, until_ms=END_MS) for name in ("mixed", "sorted")]
    assert any(differences(one, own_truth) for one in found)


# -- the worker


class OneGuardForAllTopics(Partition):
    def observe(self, arrivals: Sequence[Arrival]) -> list[Fate]:
        fates: list[Fate] = []
        for one in arrivals:
            is_seen = one.offset <= max(self.ledger.covered)
            fates += [AGAIN] if is_seen else super().observe([one])
        return fates


class NoGuard(Partition):
    def observe(self, arrivals: Sequence[Arrival]) -> list[Fate]:
        fates: list[Fate] = []
        for one in arrivals:
            covered = self.ledger.covered[one.feed]
            self.ledger.covered[one.feed] = min(covered, one.offset - 1)
            fates += super().observe([one])
            self.ledger.covered[one.feed] = max(covered, one.offset)
        return fates


class HastySnapshot(Worker):
    """A snapshot counts though what was sent before it is lost."""

    def crash(self, rng: random.Random) -> None:
        for sent in self.unflushed:
            if isinstance(sent, bytes):
                self.broker.keep(sent)
        super().crash(rng)


class ForgetsWhatWasFiredEarly(Worker):
    def _restored(self, *given: Any) -> Partition:
        partition = super()._restored(*given)
        for of in partition.review.alerts:
            of.early.clear()
        return partition


class ForgetsOpenDays(Worker):
    def _restored(self, *given: Any) -> Partition:
        partition = super()._restored(*given)
        partition.customers.days.open.clear()
        return partition


class ForgetsWhoWasContacted(Worker):
    def _restored(self, *given: Any) -> Partition:
        partition = super()._restored(*given)
        partition.review.follow_up.contacts.at.clear()
        return partition


@pytest.mark.parametrize(
    "dropped",
    every_third(
        [
            (OneGuardForAllTopics, Worker, 0),
            (NoGuard, Worker, 8),
            (Partition, HastySnapshot, 8),
            (Partition, ForgetsWhatWasFiredEarly, 8),
            (Partition, ForgetsOpenDays, 8),
            (Partition, ForgetsWhoWasContacted, 8),
        ]
    ),
    ids=lambda dropped: "-".join(
        part if isinstance(part, str) else getattr(part, "__name__", str(part)) for part in dropped
    ),
)
def test_a_dropped_rule_of_the_worker_is_noticed(dropped: tuple[type[Partition], type[Worker], int]) -> None:
    made, life, crashes = dropped
    assert any(noticed(name, more * crashes, Kind(made), life) for more in (1, 2, 3) for name in NAMES)


def test_neither_guard_nor_ids_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert truth().told
    monkeypatch.setattr(SeenIds, "add", lambda *_, **__: "new")
    assert any(noticed(name, 8, Kind(NoGuard)) for name in NAMES)


def test_boundaries_that_are_passed_elsewhere_after_a_restart_are_noticed() -> None:
    def differs(crashes: int) -> bool:
        found = arrival_with_late_events(crashes, "mixed", Kind(expects=False))
        found.slips.clear()  # what was published says it, too
        own_truth = told_again(RULES, late_logs(), found)
        return bool(differences(without_forsaken(found, own_truth), own_truth))

    assert any(differs(crashes) for crashes in range(8, 20))
