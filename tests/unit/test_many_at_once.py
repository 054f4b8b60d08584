"""What many customers are told, or people say, at one midnight costs a customer no more than what a few do."""

from __future__ import annotations

from itertools import pairwise
from time import process_time
from typing import Final

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.engine.arrivals import Arrival
from models.engine.ledger import COMMANDS
from models.engine.partition import Partition
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import FEEDS, LOGIN
from streams.memory import uncollected
from support.builders import DAY_MS, HOUR_MS, login
from support.merges import merge
from support.troubled import FIRST_DAY, catalogue
from support.upsets import extra_signal

FEW: Final = 500
TIMES_AS_MANY: Final = 16
COSTS_AT_MOST: Final = 2 * TIMES_AS_MANY
"""Where each is held against all others it would be the square, 256 times as much."""
START_MS: Final = FIRST_DAY * DAY_MS
STEPS: Final = ("two signals corroborate each other", "all are escalated", "people speak", "they are answered")


def rules_of_all() -> Rules:
    """Two signals that everybody has, and that corroborate each other."""
    own = catalogue() | {"feeds": ["login", "ticket"], "model": "off", "experiment": {"holdout": 0}, "outage": "off"}
    own["signals"] = {
        "came": extra_signal("logins(30d) >= 1", "never", "days_since_first", "error", respond_hours=24),
        "silent": extra_signal("tickets(30d) == 0", "never", "days_since_first", "error", respond_hours=24),
    }
    return build_rules(own)


def command_of(number: int, alert: AlertV1) -> Command:
    """What is said of an alert: some are taken on, some snoozed, of some the customer is to be left alone."""
    said_ms, name = START_MS + 2 * DAY_MS + HOUR_MS, f"k{number}"
    if number % 3 == 0:
        return Command(name, "opt_out", alert.customer_id, said_ms, "Ann")
    if number % 3 == 1:
        return Command(name, "acknowledge", alert.customer_id, said_ms, "Ann", alert.alert_id)
    until_ms = said_ms + 9 * DAY_MS
    return Command(name, "snooze", alert.customer_id, said_ms, "Ann", alert.alert_id, until_ms=until_ms)


def seconds_of(customers: int) -> list[float]:
    """How long each of STEPS takes."""
    partition = Partition(rules_of_all())
    partition.observe([Arrival(LOGIN, n, login(f"c{n}", START_MS + n, id="l")) for n in range(customers)])
    times = [process_time()]
    for day in (1, 2):
        partition.lift(START_MS + day * DAY_MS + 2 * HOUR_MS, range(len(FEEDS)))
        times.append(process_time())
    alerts = {one.customer_id: one for one in partition.drain() if isinstance(one, AlertV1)}
    assert len(alerts) == customers
    assert {one.escalated_at for one in alerts.values()} == {"2024-10-06T00:00:00Z"}
    said = [command_of(number, one) for number, one in enumerate(alerts.values())]
    partition.observe([Arrival(COMMANDS, number, one) for number, one in enumerate(said)])
    times.append(process_time())
    partition.lift(START_MS + 3 * DAY_MS + 2 * HOUR_MS, range(len(FEEDS)))
    times.append(process_time())
    assert {type(one).__name__ for one in partition.drain()} >= {"AlertV1", "ReceiptV1"}
    return [later - earlier for earlier, later in pairwise(times)]


def test_what_many_are_told_at_one_midnight_costs_each_no_more_than_what_a_few_are() -> None:
    with uncollected():
        few = [max(pair) for pair in zip(seconds_of(FEW), seconds_of(FEW), strict=True)]
        many = [min(pair) for pair in zip(*(seconds_of(TIMES_AS_MANY * FEW) for _ in range(2)), strict=True)]
    grown = {step: after / before for step, before, after in zip(STEPS, few, many, strict=True)}
    assert max(grown.values()) < COSTS_AT_MOST, grown


def seconds_of_merges(merges: int) -> float:
    """How long it takes to hear of them."""
    partition = Partition(rules_of_all())
    partition.observe([Arrival(LOGIN, n, login(f"a{n}", START_MS + n, id="l")) for n in range(merges)])
    said = [merge(f"a{n}", f"c{n}", START_MS + HOUR_MS, f"m{n}") for n in range(merges)]
    began = process_time()
    partition.observe([Arrival(COMMANDS, number, one) for number, one in enumerate(said)])
    assert len(partition.customers.aliases.rows) == merges
    return process_time() - began


def test_to_hear_of_many_merges_at_once_costs_each_no_more_than_of_a_few() -> None:
    with uncollected():
        few = max(seconds_of_merges(FEW), seconds_of_merges(FEW))
        many = min(seconds_of_merges(TIMES_AS_MANY * FEW) for _ in range(2))
    assert many / few < COSTS_AT_MOST
