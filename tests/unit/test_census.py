"""The census: what is counted as records change equals a count of the records, and says what people read into it."""

from __future__ import annotations

import pytest
from models.census import Census, Entry, OpenAlert
from models.oracle import Oracle
from models.partition import Partition

from models.engine import Engine
from schemas.event import Event
from support.builders import login, purchase, ticket
from support.troubled import FIRST_DAY, default_rules, rich_history

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
GRAVE = OpenAlert("support_spike", "error", "Support", 10, is_grave=True)
OTHER = OpenAlert("unsubscribed", "warning", "Marketing", None, is_grave=True)
GOOD = OpenAlert("reactivated", "info", "Marketing", None, is_grave=False)


def counts(census: Census) -> list[object]:
    """Everything a census tells, without what is zero."""
    totals = (census.by_stage, census.by_signal, census.by_owner)
    tables = [counter for each in totals for counter in (each.customers, each.spend)]
    tables += [census.customers, census.past_due(now_ms=1 << 50)]
    return [*(+table for table in tables), +census.open_alerts, census.value_at_risk]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counting_along_equals_counting_the_records(seed: int) -> None:
    rules = default_rules()
    oracle = Oracle(rules, 2)
    compared, risky = 0, 0
    for number, event in enumerate(sorted(rich_history(seed), key=lambda event: (event.time_ms, event.feed))):
        oracle.take(event)
        if number % 500 == 499:
            oracle.finish()
            for partition in oracle.partitions:
                anew = Partition(Engine(rules), dict(partition.records)).census
                assert counts(partition.census) == counts(anew)
                compared, risky = compared + 1, risky + anew.at_risk
    assert compared >= 2
    assert risky > 0


def test_partitions_add_up() -> None:
    first, second = Census(), Census()
    first.move(None, Entry("active", is_at_risk=True, spend=500, value=90, alerts=(GRAVE,)))
    second.move(None, Entry("active", is_at_risk=True, spend=700, value=110, alerts=(GRAVE, OTHER)))
    second.move(None, Entry("new"))
    total = Census()
    total += first
    total += second
    assert total.at_risk == 2
    assert (total.spend_at_risk, total.value_at_risk) == (1200, 200)
    assert total.customers == {"active": 2, "new": 1}
    assert total.by_owner.customers == {"Support": 2, "Marketing": 1}
    assert total.by_owner.spend == {"Support": 1200, "Marketing": 700}
    assert total.past_due(10 * HOUR_MS) == {"Support": 2}
    assert first.at_risk == 1


def test_a_customer_with_two_alerts_of_one_signal_counts_once_by_signal() -> None:
    census = Census()
    census.move(None, Entry("active", is_at_risk=True, spend=100, alerts=(GRAVE, GRAVE)))
    assert census.by_signal.customers == {"support_spike": 1}
    assert census.open_alerts == {("support_spike", "error"): 2}


def test_good_news_puts_nobody_at_risk() -> None:
    census = Census()
    census.move(None, Entry("reactivated", alerts=(GOOD,)))
    assert census.at_risk == 0
    assert census.open_alerts == {("reactivated", "info"): 1}


def test_who_was_at_risk_and_is_not_any_more_is_taken_away() -> None:
    census = Census()
    before = Entry("active", is_at_risk=True, spend=100, alerts=(GRAVE,))
    census.move(None, before)
    census.move(before, Entry("churned", alerts=(GRAVE,)))
    assert census.at_risk == census.spend_at_risk == 0
    assert census.customers == {"active": 0, "churned": 1}
    assert census.past_due(10 * HOUR_MS) == {"Support": 1}


def test_an_alert_is_past_due_once_its_hour_is_over() -> None:
    census = Census()
    census.move(None, Entry("active", is_at_risk=True, alerts=(GRAVE,)))
    assert census.past_due(10 * HOUR_MS - 1)["Support"] == 0
    assert census.past_due(10 * HOUR_MS)["Support"] == 1


def test_an_alert_from_announcement_to_past_due() -> None:
    def at(day: int, hour: int) -> int:
        return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS

    def opened(day: int, hour: int) -> Event:
        return ticket(at_ms=at(day, hour), category="other", id=f"t{day}-{hour}")

    events = [
        *(purchase(at_ms=at(day, 9), amount=10.0, currency="USD", id=f"p{day}") for day in range(0, 100, 10)),
        *(opened(100, hour) for hour in (8, 9, 10)),
    ]
    oracle = Oracle(default_rules(), 1)
    for event in events:
        oracle.take(event)
    oracle.finish()
    announced = oracle.census()
    assert announced.by_signal.customers == {"support_spike": 1}
    assert +announced.past_due(at(110, 0)) == {}  # not reviewed yet: nobody's duty
    oracle.take(login(at_ms=at(101, 2), id="l1"))
    oracle.until(at(101, 2))
    oracle.finish()
    decided = oracle.census()
    assert decided.by_owner.customers["Support"] == 1
    assert decided.spend_at_risk == 10_000
    assert decided.past_due(at(101, 9))["Support"] == 0
    assert decided.past_due(at(101, 10))["Support"] == 1
