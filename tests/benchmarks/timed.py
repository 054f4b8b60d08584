"""A partition that knows what its midnights cost, apart from the events between them."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

from models.alerts.answers import Due
from models.catalogue.rules import Rules
from models.customers.customers import Customers
from models.engine.early_firing import EarlyFiring
from models.engine.partition import Partition
from models.engine.review import Message, Review
from models.scoring.version import Version


class TimedReview(Review):
    """`close_s`: days closed, windows moved, snapshots of the model; `judge_s`: stages, signals, alerts as values."""

    def __init__(self, rules: Rules, customers: Customers) -> None:
        super().__init__(rules, customers, alerts_from_ms=0)
        self.close_s = self.judge_s = 0.0
        self.midnights = 0

    def begin(self, day: int, due: Sequence[Due] = ()) -> list[Message]:
        begun = process_time()
        found = super().begin(day, due)
        self.close_s += process_time() - begun
        self.midnights += 1
        return found

    def score(self, version: Version | None) -> list[Message]:
        begun = process_time()
        found = super().score(version)
        self.close_s += process_time() - begun
        return found

    def judge(self, most: int) -> list[Message]:
        begun = process_time()
        found = super().judge(most)
        self.judge_s += process_time() - begun
        return found


class TimedPartition(Partition):
    """`midnight` has the figures."""

    def __init__(self, rules: Rules, number: int) -> None:
        super().__init__(rules, number=number, limit_dead_letters=False)
        self.midnight = TimedReview(rules, self.customers)
        self.review, self.early = self.midnight, EarlyFiring(self.midnight, self.watermark, self._settle)
