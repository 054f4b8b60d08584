"""Another catalogue is taken up at a boundary: restarts by it come to what a replay with it from there says."""

from __future__ import annotations

import random
from itertools import count
from typing import Any, ClassVar, Final

import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.engine.partition import Partition
from models.engine.snapshot import load
from models.engine.taking_up import NOTHING_DECIDED, first_free, on_record, plan, take_up
from schemas.alert import AlertV1, decode_alert
from schemas.command import Command
from support.one_partition import (
    DAY_MS,
    PATTERNS,
    Broker,
    Kind,
    Worker,
    differences,
    logs_of,
    oracle,
    run,
)
from support.spoken import spoken_of
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, rich_history

END_MS: Final = (FIRST_DAY + 160) * DAY_MS


def catalogues() -> dict[str, Rules]:
    """Three that differ in whatever a partition knows by them: signals, thresholds, feeds, the cap, experiments."""
    first, second, third = catalogue(), catalogue(), catalogue()
    signals: Any = second["signals"]
    signals["support_spike"]["when"] = "tickets(7d) >= 2"
    signals["repeated_complaints"] |= {"owner": "Complaints", "severity": "warning"}
    signals["loyal_gone_silent"] |= {"persistence": 3, "cooldown_days": 1}
    friction = signals.pop("channel_friction")
    of_returns = {"when": "return_tickets(14d) >= 1", "ends": "return_tickets(14d) == 0"}
    signals["returns"] = {key: one for key, one in friction.items() if key != "announced"} | of_returns
    del signals["usage_drop"]
    second |= {"attention": {"contact_days": 3}, "model": "off"}
    third |= {"feeds": ["purchase", "ticket", "email"], "experiment": {"holdout": 0.3, "salt": "s"}, "model": "off"}
    third["lifecycle"]["dormant_days"] = 40
    del third["signals"]["unsubscribed"]["announced"]
    built = [build_rules(one) for one in (first | {"model": "off"}, second, third)]
    return {one.hash: one for one in built}


KNOWN: Final = catalogues()
KIND: Final = Kind()


class Successor(Worker):
    """Each life has the next catalogue, and does with it what a worker does."""

    lives = count()
    saved_by: ClassVar[dict[bytes, Rules]] = {}

    def __init__(self, broker: Broker, rules: Rules, kind: Kind = KIND, alerts_from_ms: int = 0) -> None:
        ours = [*KNOWN.values()][min(next(self.lives), len(KNOWN) - 1)]
        super().__init__(broker, rules, kind, alerts_from_ms)
        passed = [broker.begun[boundary] for boundary in sorted(broker.begun)]
        recorded = on_record(self.partition, passed, KNOWN.__getitem__)
        judging = recorded[-1][1] if recorded else self.partition.rules
        if judging.hash != ours.hash:
            early = [one for one in broker.outputs if isinstance(one, AlertV1) and one.stage is None]
            fired = [self.partition.basis.calendar.day_of_text(one.starts_at) for one in early]
            boundary = first_free(self.partition, passed, fired)
            if boundary == NOTHING_DECIDED:
                take_up(self.partition, ours)
                self.save()
                self.flush()
            else:
                recorded.append((boundary, ours))
        plan(self.partition, recorded)

    def _restored(self, rules: Rules, alerts_from_ms: int) -> Partition:
        """By the catalogue of the snapshot."""
        if self.broker.snapshot is None:
            return super()._restored(rules, alerts_from_ms)
        return load(self.broker.snapshot, self.saved_by[self.broker.snapshot], limit_dead_letters=False)

    def save(self) -> None:
        """Take a snapshot; its catalogue is noted beside it."""
        super().save()
        if self.unflushed and isinstance(data := self.unflushed[-1], bytes):
            self.saved_by.setdefault(data, self.partition.rules)


@pytest.mark.parametrize("pattern", ["sorted", "aligned", "delayed"])
@pytest.mark.parametrize("seed", range(tries(32)))
def test_restarts_by_another_catalogue_come_to_what_replay_says(seed: int, pattern: str) -> None:
    dice, first = random.Random(seed), next(iter(KNOWN.values()))
    events = rich_history(seed, customers=8, days=100)
    alerts = [decode_alert(*payloads) for key, payloads in oracle(first, events).told.items() if key[0] == "alert"]
    said = [one for one in spoken_of(alerts, [], dice) if isinstance(one, Command) and one.at_ms < END_MS - DAY_MS]
    said = [one for one in said if one.action in ("acknowledge", "outcome")]  # no other acts on what is fired early
    commands = [*{(one.customer_id, one.id): one for one in said}.values()]
    Successor.lives = count()
    logs = logs_of(events, commands)
    found = run(first, logs, PATTERNS[pattern], dice, crashes=4, life=Successor, until_ms=END_MS)
    then = [(boundary, KNOWN[name]) for boundary, name in found.partition.judged_by]
    truth = oracle(then[0][1], events, END_MS, commands=commands, then=then[1:])
    assert len({name for _, name in found.partition.judged_by}) > 1
    told = differences(found, truth, is_shuffled=True)  # what waited to be fired early may be worded by arrival
    assert not told, ([(boundary, rules.hash) for boundary, rules in then], told)
