"""A partition as bytes: what is refused by name, and what another catalogue makes of what it finds."""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import merged
from models.catalogue.rules import Rules, sending_all, without_model
from models.customers.facts import facts_of
from models.engine.frozen import SNAPSHOT_FORMAT, SnapshotError
from models.engine.partition import Partition
from models.engine.replay import canonical_states
from models.engine.snapshot import freeze, load
from models.measures.scalars import SCALARS
from schemas.alert import AlertV1
from schemas.event import FEEDS, Event
from support.one_partition import oracle
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history

DAY_MS = 86_400_000
NOW = FIRST_DAY + 90


@cache
def plain_rules(zone: str = "UTC") -> Rules:
    """Every customer is told of: what is held out has tests of its own."""
    return sending_all(default_rules(zone))


@cache
def events() -> tuple[Event, ...]:
    return tuple(event for event in rich_history(5, customers=10, days=90) if event.time_ms < NOW * DAY_MS)


@cache
def written() -> bytes:
    """A partition on the evening of a day, with alerts open and some fired early."""
    partition = oracle(plain_rules(), events(), NOW * DAY_MS).partition
    assert sum(len(of.open) for of in partition.review.alerts) > 10
    return freeze(partition).to_bytes()


def changed(change: Mapping[str, Any], **more: Any) -> Rules:
    return sending_all(build_rules(merged(catalogue(), change), **more))


def at_the_next_boundary(rules: Rules, data: bytes | None = None) -> list[AlertV1]:
    """What a partition publishes of alerts when it goes on with other rules, without further events."""
    partition = load(data or written(), rules)
    partition.lift((partition.boundary + 1) * DAY_MS + 2 * 3_600_000, range(len(FEEDS)))
    return [message for message in partition.drain() if isinstance(message, AlertV1)]


# -- refused by name


def refused(data: bytes, rules: Rules | None = None) -> SnapshotError:
    with pytest.raises(SnapshotError) as caught:
        load(data, rules or plain_rules())
    return caught.value


@pytest.mark.parametrize("number", [0, SNAPSHOT_FORMAT + 1])
def test_another_format_is_refused_by_name(number: int) -> None:
    whole = written()
    end = 8 + int.from_bytes(whole[:8], "big")
    head, arrays = msgspec.msgpack.decode(whole[8:end])
    error = refused(framed([head | {"format": number}, arrays]) + whole[end:])
    assert (error.thing, error.value) == ("snapshot format", f"{number}, this program reads {SNAPSHOT_FORMAT}")
    assert "CHURN_APP_VERSION" in error.remedy


def test_another_zone_is_refused_by_name() -> None:
    error = refused(written(), plain_rules("Europe/Berlin"))
    assert (error.thing, error.value) == ("CHURN_ZONE", "Europe/Berlin, but the state is of UTC")


def test_another_currency_is_refused_by_name() -> None:
    euros = build_rules(merged(catalogue(), {"currency": "EUR", "rates": {"EUR": 1.0}}))
    error = refused(written(), euros)
    assert error.value == "its currency is EUR, but the state's is USD"
    assert "CHURN_APP_VERSION" in error.remedy


def framed(head: object) -> bytes:
    packed = msgspec.msgpack.encode(head)
    return len(packed).to_bytes(8, "big") + packed


@pytest.mark.parametrize(
    "data", [b"", b"{}", framed({}), framed([{}, []]), b"\xff" * 8, framed([{"format": SNAPSHOT_FORMAT}, []])]
)
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    assert refused(data).thing == "snapshot"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_snapshot_that_was_cut_is_refused(share: float) -> None:
    assert refused(written()[: int(share * len(written()))]).thing == "snapshot"


def test_the_error_survives_pickle() -> None:
    error = SnapshotError("a", "b", "c")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), again.thing, again.value, again.remedy) == (str(error), "a", "b", "c")


# -- the same catalogue


def test_a_copy_does_not_change_with_the_partition_it_was_taken_of() -> None:
    partition = load(written(), plain_rules())
    frozen = freeze(partition)
    before = frozen.to_bytes()
    partition.lift((NOW + 30) * DAY_MS, range(len(FEEDS)))
    assert frozen.to_bytes() == before
    assert list(canonical_states(load(before, plain_rules()))) == list(canonical_states(load(written(), plain_rules())))


def test_the_same_catalogue_has_nothing_to_say_about_what_it_finds() -> None:
    whole = oracle(plain_rules(), events(), NOW * DAY_MS).partition
    whole.drain()
    whole.lift((whole.boundary + 1) * DAY_MS + 2 * 3_600_000, range(len(FEEDS)))
    assert at_the_next_boundary(plain_rules()) == [one for one in whole.drain() if isinstance(one, AlertV1)]


def test_an_empty_partition_goes_on_from_nothing() -> None:
    partition = load(freeze(Partition(plain_rules())).to_bytes(), plain_rules())
    assert (partition.boundary, partition.customers.size, list(canonical_states(partition))) == (-1, 0, [])
    assert load(freeze(partition).to_bytes(), plain_rules(), number=3).number == 3


# -- another catalogue


def test_alerts_of_a_signal_that_left_are_resolved_as_retired() -> None:
    before = load(written(), plain_rules())
    gone = {of.signal.id: len(of.open) for of in before.review.alerts if len(of.open)}
    for signal, count in gone.items():
        alerts = at_the_next_boundary(changed({"signals": {signal: False}}))
        closed = [alert for alert in alerts if alert.signal == signal]
        assert len(closed) == count
        assert {alert.status for alert in closed} == {"resolved"}
        for alert in closed:
            assert alert.summary.endswith("signal retired.")
            assert alert.ends_at is not None
            assert alert.revision > 1


def test_a_retired_signal_is_forgotten_once_its_alerts_are_closed() -> None:
    rules = changed({"signals": {"usage_drop": False, "support_spike": False}})
    partition = load(written(), rules)
    partition.lift((NOW + 5) * DAY_MS, range(len(FEEDS)))
    assert {of.signal.id for of in partition.review.alerts} == {signal.id for signal in rules.signals}
    assert not [one for one in at_the_next_boundary(rules, freeze(partition).to_bytes()) if one.signal == "usage_drop"]


def test_a_restart_before_the_next_boundary_does_not_forget_what_is_to_be_retired() -> None:
    rules = changed({"signals": {"onboarding_drop": False, "first_purchase_only": False, "support_spike": False}})
    once = at_the_next_boundary(rules)
    assert any(alert.summary.endswith("signal retired.") for alert in once)
    assert at_the_next_boundary(rules, freeze(load(written(), rules)).to_bytes()) == once


@pytest.mark.parametrize("change", [{"owner": "Somebody else"}, {"severity": "info"}])
def test_an_owner_or_a_severity_that_changed_is_told_once(change: dict[str, str]) -> None:
    before = load(written(), plain_rules())
    signals = {of.signal.id for of in before.review.alerts if len(of.open)}
    rules = changed({"signals": dict.fromkeys(signals, change)})
    unchanged = {(alert.alert_id, alert.status) for alert in at_the_next_boundary(plain_rules())}
    alerts = at_the_next_boundary(rules)
    ((name, value),) = change.items()
    still_open = [alert for alert in alerts if alert.status == "updated"]
    having = {of.signal.id for of in before.review.alerts if getattr(of.signal, name) == value}
    lasting = sum(len(of.open) for of in before.review.alerts if of.signal.id not in having)
    lasting -= sum(status in ("resolved", "expired") for _, status in unchanged)
    assert len({alert.alert_id for alert in still_open}) == len(still_open) >= lasting > 0
    escalated = "warning" if name == "severity" else value  # of severity info, one step higher
    assert {getattr(alert, name) for alert in still_open if alert.escalated_at is None} == {value}
    assert {getattr(alert, name) for alert in still_open if alert.escalated_at is not None} <= {escalated}
    partition = load(written(), rules)
    partition.lift((partition.boundary + 1) * DAY_MS + 2 * 3_600_000, range(len(FEEDS)))
    told = {alert.alert_id for alert in partition.drain() if isinstance(alert, AlertV1)}
    again = {alert.alert_id for alert in at_the_next_boundary(rules, freeze(partition).to_bytes())}
    assert again <= {alert.alert_id for alert in at_the_next_boundary(plain_rules(), freeze(partition).to_bytes())}
    assert told


@pytest.mark.parametrize(
    "change",
    [
        {"feeds": ["purchase", "ticket"], "model": False},
        {"feeds": ["ticket", "email"], "model": False},
        {"engagement": {"login": {"points": 7}, "purchase": {"points": 0.5, "cap": 1}}},
        {"lifecycle": {"silence": "activity"}},
    ],
    ids=["two feeds", "no purchases", "other points", "silence of activity"],
)
def test_feeds_and_points_that_changed_are_counted_anew_from_the_days(change: dict[str, Any]) -> None:
    rules = without_model(changed(change))
    truth = oracle(rules, events(), NOW * DAY_MS).partition
    found = load(written(), rules)
    for partition in (truth, found):  # one day on, the clocks being those of the new catalogue
        partition.lift((NOW + 3) * DAY_MS, range(len(FEEDS)))
    left, right = (_known(partition) for partition in (found, truth))
    assert left == right


@pytest.mark.parametrize("feeds", [["purchase"], ["ticket", "email"], ["login", "email"]])
def test_feeds_that_are_declared_later_are_counted_from_the_days_as_well(feeds: list[str]) -> None:
    before = oracle(changed({"feeds": feeds, "model": False}), events(), NOW * DAY_MS).partition
    rules = without_model(plain_rules())
    truth, found = oracle(rules, events(), NOW * DAY_MS).partition, load(freeze(before).to_bytes(), rules)
    for partition in (truth, found):
        partition.lift((NOW + 3) * DAY_MS, range(len(FEEDS)))
    assert _known(found) == _known(truth)


def _known(partition: Partition) -> dict[str, Any]:
    """Everything that conditions can read of each customer, by id."""
    review, customers = partition.review, partition.customers
    rows = np.flatnonzero(customers.columns.first_day[: customers.size] < customers.boundary).astype(np.int32)
    readings = {name: scalar.read(review.as_of, rows) for name, scalar in SCALARS.items() if "risk" not in name}
    listed = {
        name: [
            float(value) if is_known else None
            for value, is_known in zip(
                np.broadcast_to(values, len(rows)),
                np.broadcast_to(True if known is None else known, len(rows)),
                strict=True,
            )
        ]
        for name, (values, known) in readings.items()
    }
    sums = {window: review.windows.sums(window)[rows].tolist() for window in sorted(review.windows._sums)}
    facts = facts_of(customers, rows)
    return {
        customers.roster.id_of(row): (
            {name: values[place] for name, values in listed.items()},
            {window: values[place] for window, values in sums.items()},
            facts[place],
        )
        for place, row in enumerate(rows.tolist())
    }


@pytest.mark.parametrize("chance", range(3))
def test_any_change_of_the_catalogue_is_survived(chance: int) -> None:
    dice = random.Random(chance)
    own = catalogue()
    for name in dice.sample(sorted(own["signals"]), 5):
        own["signals"][name] |= {"cooldown_days": dice.choice((0, 3, 90)), "expires_days": dice.choice((1, 9))}
    for name in dice.sample(sorted(own["signals"]), 4):
        del own["signals"][name]
    partition = load(written(), build_rules(own))
    partition.lift((NOW + 40) * DAY_MS, range(len(FEEDS)))
    told = [one for one in partition.drain() if isinstance(one, AlertV1)]
    keys = [(alert.alert_id, alert.revision) for alert in told]
    assert len(keys) == len(set(keys)) > 0
    again = load(freeze(partition).to_bytes(), plain_rules())
    again.lift((NOW + 60) * DAY_MS, range(len(FEEDS)))
    assert {state["customer_id"] for state in canonical_states(again)} == {event.customer_id for event in events()}
