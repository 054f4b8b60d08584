"""Customers' snapshot days: the model's score is noted, the snapshot kept for its labels, known labels are told."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from models.config import Basis, Learning
from models.customer import NEVER, Customer, Risk
from models.episodes import Output
from models.learning import snapshots
from models.learning.crowd import Crowd
from models.learning.features import Past, Purchases
from models.lifecycle import LOST
from models.scoring.features import feature_names
from models.scoring.risks import OWN_DAYS
from models.scoring.snapshots import due_parts, pack_features, question_id
from models.scoring.version import Version
from models.signals.measures import View
from schemas.alert import Driver
from schemas.event import PURCHASE
from schemas.example import LabelV1, LessonV1, SnapshotV1, encode_lesson


class Insight(NamedTuple):
    """With what a boundary's reviews score: the version in force (None: none yet), and the base to compare with."""

    version: Version | None
    crowd: Crowd


class Foreseen(NamedTuple):
    """What a customer's snapshot day brought: labels to tell, and what moved the score, when there is one."""

    lessons: list[Output]
    explain: Callable[[], tuple[Driver, ...]] | None


class _Asked(NamedTuple):
    """A customer in the risk set, with the snapshots that still wait and what the new one holds."""

    customer_id: str
    customer: Customer
    pending: list[snapshots.Pending]
    features: list[float]


class Foresight:
    """What the catalogue asks of the model, at work on the customers of a boundary."""

    def __init__(self, learning: Learning, basis: Basis) -> None:
        self._learning, self._basis = learning, basis
        self._due = due_parts(learning)
        names = feature_names(basis.feeds)
        self._pack = snapshots.Pack(question_id(learning.question, names), len(names))

    def next_day(self, customer: Customer, customer_id: str, view: View) -> int:
        """The next snapshot day on which there is something to score or to tell, NEVER when there is none."""
        day = snapshots.next_snapshot_day(customer_id, view.boundary, self._learning)
        if customer.snapshots or customer.risks:
            return day
        last = view.last_active((PURCHASE,))
        return day if last is not None and day - last <= self._learning.question.risk_set_days else NEVER

    def foresee(self, reviewed: Mapping[str, Customer], boundary: int, insight: Insight) -> dict[str, Foreseen]:
        """Tell what became known of earlier snapshots, take one and score it of each in the risk set.

        Only of those whose snapshot day it is. All are scored at once: alone, a row costs forty times as much.
        """
        found, asked = {}, []
        for customer_id, customer in reviewed.items():
            if snapshots.next_snapshot_day(customer_id, boundary - 1, self._learning) != boundary:
                continue
            purchases = Purchases(customer, self._basis)
            pending = self._pack.from_bytes(customer.snapshots)
            found[customer_id] = Foreseen(self._lessons(customer_id, pending, purchases, boundary), None)
            kept = [one for one in pending if boundary - one.boundary < self._learning.question.horizon_days]
            customer.risks = [risk for risk in customer.risks if boundary - risk.boundary <= OWN_DAYS]
            if snapshots.is_in_risk_set(purchases, boundary, self._learning):
                features = Past(customer, self._basis).vector(boundary)
                asked.append(_Asked(customer_id, customer, kept, features))
            else:
                customer.snapshots = self._pack.to_bytes(kept)
        self._score(asked, boundary, insight, found)
        return found

    def _score(self, asked: Sequence[_Asked], boundary: int, insight: Insight, found: dict[str, Foreseen]) -> None:
        version = insight.version
        risks: Sequence[float | None] = [None] * len(asked)
        if version is not None and asked:
            risks = version.risks(np.array([one.features for one in asked], np.float64)).tolist()
        for (customer_id, customer, pending, features), risk in zip(asked, risks, strict=True):
            pending.append(snapshots.Pending(boundary, risk, pack_features(features)))
            customer.snapshots = self._pack.to_bytes(pending)
            if version is not None and risk is not None and not version.scorer.is_cold:
                customer.scored_by = version.name
                is_of_base = customer.stage not in LOST
                customer.risks.append(Risk(boundary, risk, insight.crowd.rank(boundary, risk), is_of_base))
                insight.crowd.add(customer.risks[-1])
                explain = partial(version.drivers, features)
                found[customer_id] = found[customer_id]._replace(explain=explain)

    def _lessons(
        self, customer_id: str, pending: Sequence[snapshots.Pending], purchases: Purchases, boundary: int
    ) -> list[Output]:
        """The labels that became known, in one record; none when there are none."""
        text_of = self._basis.calendar.text_of
        known = []
        for one in pending:
            labels = tuple(
                LabelV1(label.part, text_of(label.matured), label.is_true)
                for label in snapshots.known_labels(one, purchases, boundary, self._learning.question, self._due)
            )
            if labels:
                known.append(SnapshotV1(text_of(one.boundary), one.features, one.risk, labels))
        if not known:
            return []
        lesson = LessonV1(customer_id, self._pack.question, tuple(known))
        return [Output("lesson", str(boundary), encode_lesson(lesson))]
