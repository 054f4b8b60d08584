"""After a crash what stands published is what is so: what was told and is not decided again is taken back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from models.catalogue.rules import Rules
from models.engine.review import Message
from models.engine.standing import open_ids, settle
from property.test_arrival import scattered, variant
from schemas.alert import AlertV1, encode_alert
from support.one_partition import PATTERNS, Broker, Kind, Worker, differences, logs_of, oracle, run
from support.tries import tries
from support.troubled import default_rules, rich_history


class Recalling(Worker):
    """Does not send again what stands there; once all was read again that had been read, it settles the rest."""

    settles: ClassVar[bool] = True

    def __init__(self, broker: Broker, rules: Rules, kind: Kind = Kind(), alerts_from_ms: int = 0) -> None:  # noqa: B008 - frozen
        self.revisions: dict[str, int] = {}
        self.left_open: dict[str, AlertV1] = {}
        for message in broker.outputs:
            self._note(message)
        self._until = [*broker.read]
        self._is_settled = False
        super().__init__(broker, rules, kind, alerts_from_ms)

    def _note(self, message: Message) -> None:
        if isinstance(message, AlertV1) and message.revision >= self.revisions.get(message.alert_id, 0):
            self.revisions[message.alert_id] = message.revision
            self.left_open.pop(message.alert_id, None)
            if message.is_open:
                self.left_open[message.alert_id] = message

    def _is_known(self, message: object) -> bool:
        if not isinstance(message, AlertV1) or self._is_settled:
            return False
        return message.revision <= self.revisions.get(message.alert_id, 0)

    def take(self, frame: Sequence[tuple[int, int]], reviews: int = 0) -> None:
        had = len(self.unflushed)
        super().take(frame, reviews)
        new = [one for one in self.unflushed[had:] if not self._is_known(one)]
        for one in new:
            if isinstance(one, AlertV1):
                self._note(one)
        self.unflushed[had:] = new
        is_through = all(at + 1 >= end for at, end in zip(self.partition.ledger.covered, self._until, strict=True))
        is_ready = is_through and not self.is_waiting and not self.partition.is_behind
        if self.settles and is_ready and not self._is_settled and self.partition.boundary >= self._last_expected:
            self.unflushed += settle(self.partition, self.revisions, self.left_open)
            self._is_settled = True


class Changing(Recalling):
    """Each life works by another catalogue than the one before; the last one by the first."""

    catalogues: ClassVar[tuple[Rules, ...]] = ()
    lives: ClassVar[int] = 0

    def __init__(self, broker: Broker, _rules: Rules, *others: Any) -> None:
        rules = self.catalogues[type(self).lives % len(self.catalogues)]
        type(self).lives += 1
        super().__init__(broker, rules, *others)


def amiss(told: Sequence[Message], standing: set[str]) -> list[str]:
    """Alerts of which the highest revision on record says something else than is so."""
    last: dict[str, tuple[int, set[bytes], bool]] = {}
    for one in told:
        if isinstance(one, AlertV1):
            revision, payloads, _ = last.get(one.alert_id, (0, set(), False))
            if one.revision >= revision:
                same = payloads if one.revision == revision else set()
                last[one.alert_id] = one.revision, same | {encode_alert(one)}, one.is_open
    twice = [f"{name}: revision {revision} stands in {len(told)} versions" for name, (revision, told, _) in last.items()
             if len(told) > 1]  # fmt: skip
    left = {name for name, (_, _, is_open) in last.items() if is_open}
    return [*twice, *(f"{name} is open and not so" for name in left - standing),
            *(f"{name} is so and not open" for name in standing - left)]  # fmt: skip


def lived(life: type[Worker], rules: Rules, name: str, chance: int) -> list[str]:
    """What is amiss after some crashes in a history with late events."""
    logs = scattered(rich_history(chance, customers=6, days=60), random.Random(chance), 0.2)
    kept: list[Broker] = []

    class Kept(life):  # type: ignore[misc,valid-type] # a class given as a value
        def __init__(self, broker: Broker, *others: Any) -> None:
            kept.append(broker)
            super().__init__(broker, *others)

    found = run(rules, logs, PATTERNS[name], random.Random(chance), crashes=8, life=Kept, max_frame=30)
    return amiss(kept[-1].outputs, open_ids(found.partition))


@pytest.mark.parametrize("chance", range(tries(16)))
def test_what_was_fired_early_in_another_order_is_taken_back(chance: int) -> None:
    for name in ("mixed", "tickets first", "aligned"):
        assert lived(Recalling, default_rules(), name, chance) == [], name


@pytest.mark.parametrize("chance", range(tries(12)))
def test_what_another_catalogue_told_of_a_boundary_is_taken_back_or_told_as_it_is(chance: int) -> None:
    class Two(Changing):
        catalogues = (default_rules(), variant(("short episodes", "other owners", "nothing announced")[chance % 3]))
        lives = 0

    assert lived(Two, default_rules(), "aligned", chance) == []


@pytest.mark.parametrize("chance", range(tries(8)))
def test_where_all_is_decided_again_nothing_more_is_told(chance: int) -> None:
    events = rich_history(chance, customers=5, days=80)
    truth = oracle(default_rules(), events)
    for name in ("sorted", "aligned", "delayed"):
        found = run(default_rules(), logs_of(events), PATTERNS[name], random.Random(chance), crashes=6, life=Recalling)
        assert differences(found, truth) == [], name
