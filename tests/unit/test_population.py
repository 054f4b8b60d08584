"""Who stands where: counts of a partition equal a recount of its customers, and say what people read into them."""

from __future__ import annotations

from collections import Counter

import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import merged
from models.catalogue.rules import Rules, without_model
from models.engine.partition import Partition
from models.engine.population import Population, Totals, is_at_risk, population_of
from models.engine.replay import Replay, canonical_states
from models.engine.snapshot import freeze, load
from schemas.event import Event
from support.builders import HOUR_MS, login, purchase, ticket
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history

DAY_MS = 86_400_000
PARTITIONS = 2


def test_who_spent_more_than_is_counted_is_counted() -> None:
    rules = build_rules(catalogue() | {"rates": {"USD": 1, "EUR": 1e9}})
    at_ms = FIRST_DAY * DAY_MS
    events = [purchase(name, at_ms, amount, currency="EUR", id=name) for name, amount in (("a", 1e12), ("b", 0.01))]
    replay = replayed(events, at_ms + 3 * DAY_MS, rules)
    assert population_of(replay.partitions[0]).spend_capped == 1
    (spent, *_), *_ = [state["facts"]["totals"][1:] for state in replay.states()]
    assert spent == 2**53 - 1


def counts(of: Population) -> list[object]:
    """Everything that a population says, without what is zero."""
    totals = (of.by_stage, of.by_signal, of.by_owner)
    tables = [counter for each in totals for counter in (each.customers, each.spend)]
    tables += [of.customers, of.past_due(now_ms=1 << 50)]
    return [*(+table for table in tables), +of.open_alerts, of.value_at_risk]


def replayed(
    events: list[Event], until_ms: int | None = None, rules: Rules | None = None, partitions: int = 1
) -> Replay:
    replay = Replay(rules or default_rules(), partitions)
    for event in sorted(events, key=lambda event: (event.time_ms, event.feed)):
        replay.take(event)
    if until_ms is not None:
        replay.until(until_ms)
    replay.flush()
    return replay


def recounted(partition: Partition) -> Population:
    """The same by brute force, from what is canonical of each customer."""
    found, signals = Population(), {signal.id: signal for signal in partition.rules.signals}
    for state in canonical_states(partition):
        verdict, facts = state["verdict"], state["facts"]
        found.customers[verdict["stage"] or "none"] += 1
        negative = set()
        for signal, (_, _, severity, *_) in verdict["episodes"].items():
            found.open_alerts[signal, severity] += 1
            negative.add(signal)
        for signal, days in verdict["announced"].items():
            found.open_alerts[signal, signals[signal].severity] += len(days)
            negative.add(signal)
        negative = {one for one in negative if signals[one].polarity == "negative" and signals[one].severity != "info"}
        if negative and verdict["stage"] != "churned":
            year = range(partition.boundary - 365, partition.boundary)
            spend = sum(minor for day, (_, minor, _) in facts["purchases"].items() if int(day) in year)
            found.by_stage.add(verdict["stage"] or "none", 1, spend)
            for one in negative:
                found.by_signal.add(one, 1, spend)
            for owner in {signals[one].owner for one in negative}:
                found.by_owner.add(owner, 1, spend)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_equal_a_recount_of_the_customers(seed: int) -> None:
    replay, risky, compared = Replay(default_rules(), PARTITIONS), 0, 0
    for number, event in enumerate(sorted(rich_history(seed), key=lambda event: (event.time_ms, event.feed))):
        replay.take(event)
        if number % 500 == 499:
            replay.flush()
            for partition in replay.partitions:
                found, truth = population_of(partition), recounted(partition)
                truth.due, truth.value_at_risk = found.due, found.value_at_risk
                assert counts(found) == counts(truth)
                assert found.at_risk == is_at_risk(partition).sum()
                again = load(freeze(partition).to_bytes(), partition.rules)
                assert counts(population_of(again)) == counts(found)
                compared, risky = compared + 1, risky + found.at_risk
    assert compared >= 2
    assert risky > 0


def test_partitions_add_up() -> None:
    replay = replayed(rich_history(1), partitions=PARTITIONS)
    parts = [population_of(partition) for partition in replay.partitions]
    before = [counts(part) for part in parts]
    total = Population()
    for part in parts:
        total += part
    assert total.at_risk == sum(part.at_risk for part in parts) > parts[0].at_risk > 0
    assert total.spend_at_risk == sum(part.spend_at_risk for part in parts) > 0
    assert total.value_at_risk == sum(part.value_at_risk for part in parts) > 0
    assert total.customers == sum((part.customers for part in parts), Counter())
    assert total.by_owner.customers == sum((part.by_owner.customers for part in parts), Counter())
    assert total.past_due(1 << 50) == sum((part.past_due(1 << 50) for part in parts), Counter())
    assert [counts(part) for part in parts] == before


def test_none_is_no_entry() -> None:
    totals = Totals()
    totals.add("active", 0, 0)
    assert totals.customers == Counter()
    assert "active" not in totals.customers


def at(day: int, hour: int = 12) -> int:
    return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS


def opened(day: int, hour: int) -> Event:
    return ticket(at_ms=at(day, hour), category="other", id=f"t{day}-{hour}")


def test_a_customer_with_two_alerts_of_one_signal_counts_once_by_signal() -> None:
    bursts = [*(opened(10, hour) for hour in (8, 9, 10)), *(opened(30, hour) for hour in (8, 9, 10))]
    beside = login("beside", at(0), id="beside")  # the others' clocks stand still: nothing is reviewed
    found = population_of(replayed([beside, *bursts]).partitions[0])
    assert found.by_signal.customers["support_spike"] == 1
    assert found.open_alerts["support_spike", "error"] == 2


def test_good_news_puts_nobody_at_risk() -> None:
    own = build_rules(merged(catalogue(), {"signals": dict.fromkeys(set(catalogue()["signals"]) - {"reactivated"})}))
    back = [purchase(at_ms=at(day), currency="USD", id=f"p{day}") for day in (0, 65)]
    found = population_of(replayed(back, at(70), own).partitions[0])
    assert found.at_risk == 0
    assert found.open_alerts == {("reactivated", "info"): 1}


def test_who_was_at_risk_and_is_churned_counts_no_more_but_is_still_to_be_answered() -> None:
    own = catalogue()
    own["signals"] = {"first_purchase_only": own["signals"]["first_purchase_only"] | {"ends": "never"}}
    rules = build_rules(own | {"model": False})
    bought = [purchase(at_ms=at(0), amount=10.0, currency="USD", id="p")]
    before, after = (population_of(replayed(bought, at(day), rules).partitions[0]) for day in (80, 130))
    assert (before.at_risk, before.spend_at_risk, before.customers) == (1, 1_000, {"dormant": 1})
    assert (after.at_risk, after.spend_at_risk, after.customers) == (0, 0, {"churned": 1})
    assert after.past_due(1 << 50).total() == before.past_due(1 << 50).total() == 1


def test_an_alert_from_its_early_firing_to_past_due() -> None:
    events = [
        *(purchase(at_ms=at(day, 9), amount=10.0, currency="USD", id=f"p{day}") for day in range(0, 100, 10)),
        *(opened(100, hour) for hour in (8, 9, 10)),
    ]
    replay = replayed(events)
    fired = population_of(replay.partitions[0])
    assert fired.by_signal.customers == {"support_spike": 1}
    assert +fired.past_due(at(110, 0)) == {}  # not reviewed yet: nobody's duty
    replay.take(login(at_ms=at(101, 2), id="l1"))
    replay.until(at(101, 2))
    decided = population_of(replay.partitions[0])
    assert decided.by_owner.customers["Support"] == 1
    assert decided.spend_at_risk == 10_000
    assert decided.past_due(at(101, 9))["Support"] == 0
    assert decided.past_due(at(101, 10) - 1)["Support"] == 0
    assert decided.past_due(at(101, 10))["Support"] == 1


def test_who_is_first_seen_by_an_early_alert_is_counted_before_any_review() -> None:
    """Their days are open: nothing is known of what they spent."""
    replay = replayed([opened(10, hour) for hour in (8, 9, 10)])
    for partition in (replay.partitions[0], load(freeze(replay.partitions[0]).to_bytes(), default_rules())):
        found = population_of(partition)
        assert (found.at_risk, found.spend_at_risk, found.value_at_risk) == (1, 0, 0)


def test_customers_are_counted_before_a_model_that_was_switched_on_has_scored_anybody() -> None:
    replay = replayed(rich_history(2), rules=without_model(default_rules()))
    found = population_of(load(freeze(replay.partitions[0]).to_bytes(), default_rules()))
    assert counts(found) == counts(population_of(replay.partitions[0]))
