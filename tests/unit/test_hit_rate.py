"""Hit rates: against a count by hand of the same history, and against differences that are known beforehand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from models.alerts.episode import STILL_OPEN
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, sending_all, without_model
from models.customers.day_history import DayHistory
from models.customers.stages import ACTIVE
from models.detection.truth import Truth
from models.engine.replay import Replay
from models.hit_rate.alike import BANDS, sweep
from models.hit_rate.contrast import Contrast, Difference
from models.hit_rate.following import Followed, Moves, ReplayFollower
from models.hit_rate.rates import hit_rates
from schemas.alert import AlertV1
from schemas.event import Event
from schemas.instant import from_rfc3339
from schemas.stage import StageChangeV1
from streams.simulation.population import World, simulate
from support.builders import DAY_MS
from support.histories import Size, history
from support.troubled import catalogue, default_rules, rich_history

HORIZON = 30


def followed_of(events: list[Event], rules: Rules) -> Followed:
    follower = ReplayFollower(Replay(without_model(sending_all(rules)), 1))
    for event in events:
        follower.take(event)
    return follower.followed()


def in_time(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time_ms, event.feed))


def rules_by(zone: str = "UTC", **changes: Any) -> Rules:
    return build_rules({**catalogue(), **changes}, zone=zone)


# -- the same by hand


@dataclass
class ByHand:
    """One history, counted from events and messages, customer by customer."""

    rules: Rules
    boundary: int
    active: dict[str, set[int]]
    bought: dict[str, set[int]]
    stages: dict[str, list[tuple[int, str]]]
    alerts: dict[str, list[tuple[str, int, int]]]

    @classmethod
    def of(cls, events: list[Event], rules: Rules) -> ByHand:
        calendar = rules.basis.calendar
        engine = Replay(without_model(sending_all(rules)), 3)
        for event in events:
            engine.take(event)
        found = cls(rules, -1, defaultdict(set), defaultdict(set), defaultdict(list), defaultdict(list))
        found._read(events)
        open_alerts: dict[str, tuple[str, str, int]] = {}

        def midnight(text: str) -> int:
            time_ms = from_rfc3339(text)
            day = calendar.day_of(time_ms)
            return day + (time_ms > calendar.start_of(day))

        for message in sorted(engine.drain(), key=lambda one: getattr(one, "revision", 0)):
            if isinstance(message, StageChangeV1):
                found.stages[message.customer_id].append((calendar.day_of_text(message.at), message.to_stage))
            elif isinstance(message, AlertV1):
                if message.revision == 1:
                    begun = midnight(message.observed_at)
                    open_alerts[message.alert_id] = (message.signal, message.customer_id, begun)
                if message.ends_at is not None:
                    signal, customer, begun = open_alerts.pop(message.alert_id)
                    found.alerts[signal].append((customer, begun, max(begun, midnight(message.ends_at))))
        for signal, customer, begun in open_alerts.values():
            found.alerts[signal].append((customer, begun, STILL_OPEN))
        found.boundary = engine.partitions[0].judged_boundary
        return found

    def _read(self, events: list[Event]) -> None:
        for event in events:
            day = self.rules.basis.calendar.day_of(event.time_ms)
            action = getattr(event.data, "action", "did")
            does = ("clicked", "unsubscribed", "complained") if event.feed == 3 else ("did", "opened", "reopened")
            if action in does:
                self.active[event.customer_id].add(day)
            if event.feed == 0:
                self.bought[event.customer_id].add(day)

    def stage(self, customer: str, boundary: int) -> str | None:
        before = [stage for at, stage in sorted(self.stages[customer]) if at <= boundary]
        return before[-1] if before else None

    def cell(self, customer: str, boundary: int) -> tuple[str, int] | None:
        stage = self.stage(customer, boundary)
        if stage is None:
            return None
        silent = boundary - 1 - max(day for day in self.active[customer] if day < boundary)
        return stage, sum(silent >= start for start in BANDS)

    def is_back(self, customer: str, boundary: int) -> bool:
        returns = self.bought if self.rules.basis.lifecycle.silence == "purchase" else self.active
        return any(boundary <= day < boundary + HORIZON for day in returns[customer])

    def compare(self, signal: str) -> tuple[int, int, float, float]:
        """(alerts judged, of these with somebody alike, share of those, share of those alike)."""
        alerts = self.alerts[signal]
        judged = [one for one in alerts if one[1] + HORIZON <= self.boundary]
        cells: dict[int, dict[str, tuple[str, int] | None]] = {}
        shares = []
        for customer, boundary, _ in judged:
            if boundary not in cells:
                cells[boundary] = {other: self.cell(other, boundary) for other in self.active}
            have_it = {who for who, begins, ends in alerts if begins == boundary or begins <= boundary < ends}
            own = cells[boundary][customer]
            alike = [who for who, cell in cells[boundary].items() if cell == own and who not in have_it]
            if alike:
                shares.append(
                    (self.is_back(customer, boundary), sum(self.is_back(w, boundary) for w in alike) / len(alike))
                )
        count = max(1, len(shares))
        return len(judged), len(shares), sum(s[0] for s in shares) / count, sum(s[1] for s in shares) / count


@pytest.mark.parametrize("silence", ["purchase", "activity"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_shares_are_those_of_a_count_by_hand(zone: str, silence: str) -> None:
    lifecycle = {**catalogue()["lifecycle"], "silence": silence}
    rules = rules_by(zone, lifecycle=lifecycle)
    events = history(Size(1_100, 70, 140), 3) if zone == "UTC" else in_time(rich_history(4, customers=24, zone=zone))
    found, by_hand = hit_rates(followed_of(events, rules), rules, HORIZON), ByHand.of(events, rules)
    assert sum(one.alerts - one.waiting for one in found.signals) > 30
    for one in found.signals:
        judged, compared, alerted, alike = by_hand.compare(one.signal)
        assert (one.alerts - one.waiting, one.alerts) == (judged, len(by_hand.alerts[one.signal])), one.signal
        if one.reason is None and one.compared is not None:
            assert (one.compared.alerts, one.alone) == (compared, judged - compared)
            assert (one.compared.alerted, one.compared.alike) == pytest.approx((alerted, alike), abs=1e-4)
        elif one.reason is None:
            assert compared == 0


def test_the_number_of_partitions_and_repeats_change_nothing() -> None:
    events = history(Size(1_200, 80, 140), 5)
    rules = default_rules()
    again = in_time([*events, *events[::3]])
    assert hit_rates(followed_of(again, rules), rules, HORIZON) == hit_rates(followed_of(events, rules), rules, HORIZON)


def test_a_customer_silent_for_years_between_is_followed() -> None:
    """Days that the columns have forgotten are still known."""
    events = in_time(rich_history(2, customers=8, days=90))
    moved = [_later(event, 900) for event in in_time(rich_history(3, customers=8, days=40))]
    rules = default_rules()
    followed = followed_of([*events, *moved], rules)
    days = sorted({rules.basis.calendar.day_of(event.time_ms) for event in events if event.feed == 0})
    rows = np.arange(followed.customers)
    last = followed.bought.last_before(rows, days[-1] + 1)
    assert int(last.max()) == days[-1]


def _later(event: Event, days: int) -> Event:
    return replace(event, time_ms=event.time_ms + days * DAY_MS, id=f"later-{event.id}")


# -- what is known beforehand


def invented(followed: Followed, rows: np.ndarray[Any, Any], boundaries: np.ndarray[Any, Any]) -> Difference | None:
    """The difference of a signal that nobody wrote, which fired so."""
    order = np.argsort(boundaries, kind="stable")
    rows, boundaries = rows[order], boundaries[order]
    contrast = Contrast(followed.customers)
    for everybody in sweep(followed, followed.bought, HORIZON, sorted({*boundaries.tolist()})):
        alerted = rows[boundaries == everybody.boundary]
        contrast.add(everybody, alerted, alerted)
    return contrast.difference()


@pytest.fixture(scope="module")
def simulated() -> tuple[Followed, list[Truth], list[str]]:
    events, truths = simulate(World(600, 240, 11, from_rfc3339("2026-01-01T00:00:00Z")))
    rules = default_rules()
    follower = ReplayFollower(Replay(without_model(sending_all(rules)), 1))
    for event in events:
        follower.take(event)
    ids = list(dict.fromkeys(event.customer_id for event in events))
    return follower.followed(), truths, ids


def test_a_signal_that_fires_at_random_differs_from_nobody(simulated: tuple[Followed, list[Truth], list[str]]) -> None:
    """In 19 of 20 draws its interval holds 0: customers are drawn once, and fire at several boundaries."""
    followed, _, _ = simulated
    dice = np.random.default_rng(5)
    known = np.array([followed.active.days_until(np.array([row]), 0, 1 << 30)[0] for row in range(followed.customers)])
    held, draws = 0, 300
    midnights = np.arange(followed.first_day + 60, followed.boundary - HORIZON, 12)
    for _ in range(draws):
        rows = np.repeat(dice.choice(followed.customers, 60, replace=False), 2)
        boundaries = dice.choice(midnights, len(rows))
        is_seen = known[rows] < boundaries
        pairs = np.unique(np.stack((rows, boundaries))[:, is_seen], axis=1)
        found = invented(followed, pairs[0], pairs[1])
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / draws <= 0.985


def test_a_signal_that_fires_on_true_leavers_shows_what_they_do(
    simulated: tuple[Followed, list[Truth], list[str]],
) -> None:
    """Nothing is bought after leaving for good: the difference is all that those alike do."""
    followed, truths, ids = simulated
    place = {customer: row for row, customer in enumerate(ids)}
    leavers = [one for one in truths if one.kind in ("fading", "one_off") and one.leaves_at_ms is not None]
    rows = np.array([place[one.customer_id] for one in leavers])
    boundaries = np.array([(one.leaves_at_ms or 0) // DAY_MS + 20 for one in leavers])
    kept = (boundaries + HORIZON <= followed.boundary) & (boundaries > followed.first_day)
    truly = [
        followed.bought.days_until(rows[kept][at : at + 1], int(boundary), int(boundary) + HORIZON)[0] < HORIZON
        for at, boundary in enumerate(boundaries[kept])
    ]
    found = invented(followed, rows[kept], boundaries[kept])
    assert found is not None
    assert found.alerts > 20
    assert found.alerted == pytest.approx(float(np.mean(truly)), abs=0.05)
    assert found.high < -0.1
    assert found.difference == pytest.approx(found.alerted - found.alike, abs=1e-3)


def test_a_difference_known_beforehand_lies_in_its_interval_in_nineteen_of_twenty_draws() -> None:
    """Two kinds of customers, of whom 50 % and 62 % buy in a month; those alerted are of the first kind, twice each."""
    dice = np.random.default_rng(7)
    people, days, of_first, draws = 400, 200, 80, 300
    held = 0
    for _ in range(draws):
        chance = np.where(np.arange(people) < of_first, 0.50, 0.62)
        temper = np.clip(chance + np.where(dice.random(people) < 0.5, -0.25, 0.25), 0, 1)  # repeats are not independent
        months = dice.random((people, days // HORIZON + 1)) < temper[:, None]
        who, month = np.nonzero(months)
        bought = DayHistory(who, 100 + month * HORIZON)
        begun = np.repeat(np.arange(of_first), 2)
        boundaries = np.tile([100, 100 + 3 * HORIZON], of_first)
        found = invented(_plain(people, bought), begun, boundaries)
        assert found is not None
        held += found.low <= -0.12 <= found.high
    assert 0.92 <= held / draws <= 0.985


def _plain(people: int, bought: DayHistory) -> Followed:
    """Everybody active on day 90, in one stage."""
    everybody = np.arange(people)
    return Followed(
        basis=default_rules().basis,
        customers=people,
        first_day=90,
        boundary=400,
        active=DayHistory(everybody, np.full(people, 90)),
        bought=bought,
        moves=Moves(everybody, np.full(people, 91), np.full(people, ACTIVE)),
        begun={},
    )
