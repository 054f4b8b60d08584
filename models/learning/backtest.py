"""On-line learning over history, honest about time: at a boundary only what was known at it is looked at.

At each boundary snapshots are scored first, with the weights of the boundaries before it; then the labels that mature
there are learned. That is what a deployment can do: the labels of a boundary are complete only after everybody was
reviewed. The last boundary that labels mature at is the midnight before the last event; what is open then is censored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.customers.day_history import NOT_YET, Whole
from models.labels import PARTS, WHOLE, Example, Question, matures_after
from models.learning.churn import PRIOR, Committee, new_committee
from models.learning.drift import DriftWindow, bucket_of
from models.learning.histories import Folded
from models.learning.quality import Quality, new_quality
from models.learning.value import owns_of
from models.scoring.features import feature_names, features
from models.scoring.matured import is_known
from models.scoring.scorer import BASELINES, Floats, Scorer, log_loss
from models.scoring.snapshots import is_in_risk_set


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and on which days. Days are day numbers; a snapshot is a boundary."""

    question: Question
    first_snapshot: int
    evaluate_from: int
    last_day: int
    """The day of the last event."""
    step_days: int = 7
    prior: float = PRIOR

    @property
    def snapshots(self) -> range:
        """The boundaries at which everybody at risk is scored; the last may be the one that ends the last day."""
        return range(self.first_snapshot, self.last_day + 2, self.step_days)

    def is_judged(self, snapshot: int) -> bool:
        """Whether the quality of a snapshot's scores counts: late enough, and its horizon lies within the data."""
        return snapshot >= self.evaluate_from and snapshot + self.question.horizon_days <= self.last_day


@dataclass(slots=True)
class Frame:
    """One snapshot: who was at risk, what was known, what was said, and, once it is known, what became of it.

    `customers` are places in the list of all; `own` has an `Own` of each in a row.
    """

    snapshot: int
    customers: Whole
    silent: Whole
    rows: Floats
    experts: Floats
    baselines: Floats
    chance: Floats
    weights: tuple[float, ...]
    is_cold: bool
    own: Whole
    churned: NDArray[np.bool_] | None = None


@dataclass(slots=True)
class RunningQuality:
    """Quality as of a boundary, decayed, of the committee and of each baseline."""

    boundary: int
    log_loss: dict[str, float]
    auc: dict[str, float]
    ece: float


@dataclass(slots=True)
class Watched:
    """What people are shown beside the scores: quality over time and alarms of drift."""

    quality: dict[str, Quality] = field(default_factory=lambda: {name: new_quality() for name in ("", *BASELINES)})
    running: list[RunningQuality] = field(default_factory=list)
    loss: DriftWindow = field(default_factory=DriftWindow)
    mean: DriftWindow = field(default_factory=DriftWindow)

    def score(self, frame: Frame) -> None:
        """Watch the mean of what is said: it needs no label."""
        self.mean.add(bucket_of(frame.snapshot, frame.chance))

    def learn(self, boundary: int, frame: Frame) -> None:
        """Judge a snapshot whose horizon ends at the boundary, by what was said at the time."""
        churned = frame.churned
        if churned is None or not len(churned):
            return
        said = {"": frame.chance, **dict(zip(BASELINES, frame.baselines.T, strict=True))}
        for name, quality in self.quality.items():
            quality.add(boundary, said[name], churned)
        scores = {name: quality.score() for name, quality in self.quality.items()}
        self.running.append(
            RunningQuality(
                frame.snapshot,
                {name: score.log_loss for name, score in scores.items()},
                {name: score.auc for name, score in scores.items()},
                scores[""].ece,
            )
        )
        self.loss.add(bucket_of(boundary, log_loss(frame.chance, churned)))


class Backtest:
    """Runs a plan over the histories of all customers, in the order of their ids. It closes their days: once only."""

    def __init__(self, folded: Folded, plan: Plan) -> None:
        self.plan = plan
        self._folded = folded
        self.customers = folded.customers.roster.ids_of(folded.rows)
        self.purchases = folded.purchases
        self.features = feature_names(folded.customers.basis.feeds)
        self.minor_units = folded.customers.basis.minor_units
        self.committee: Committee = new_committee(plan.question, self.features, prior=plan.prior)
        self.frames: dict[int, Frame] = {}
        self.watched = Watched()
        self._pending: dict[int, list[tuple[float, ...]]] = {}

    def run(self) -> Iterator[int]:
        """Go through the boundaries and say each that is done."""
        snapshots = self.plan.snapshots
        scorer = self.committee.scorer()
        for boundary in range(self.plan.first_snapshot, self.plan.last_day + 2):
            if boundary in snapshots:
                self._score(boundary, scorer)
            if boundary <= self.plan.last_day:
                examples = self._matured(boundary)
                if examples:
                    self.committee.learn(boundary, examples)
                    scorer = self.committee.scorer()
                    self._judge(boundary)
            yield boundary

    def _close(self, boundary: int) -> None:
        """Close the days before a boundary."""
        customers = self._folded.customers
        for day in range(max(customers.boundary, self._folded.first_day), boundary):
            customers.close(day)

    def _score(self, snapshot: int, scorer: Scorer) -> None:
        self._close(snapshot)
        customers, everybody = self._folded.customers, self._folded.rows
        at_risk = np.flatnonzero(is_in_risk_set(customers, everybody, self.plan.question))
        chosen = everybody[at_risk]
        rows = features(customers, chosen, customers.boundary)
        self._pending[snapshot] = list(map(tuple, rows.tolist()))
        experts = scorer.experts(rows)
        tenure = snapshot - customers.columns.first_day[chosen].astype(np.int64)
        frame = Frame(
            snapshot=snapshot,
            customers=at_risk,
            silent=snapshot - customers.columns.last_purchase[chosen].astype(np.int64),
            rows=rows,
            experts=experts,
            baselines=scorer.baselines(rows),
            chance=scorer.mix(experts),
            weights=scorer.weights,
            is_cold=scorer.is_cold,
            own=owns_of(self.purchases, at_risk, tenure, snapshot),
        )
        self.frames[snapshot] = frame
        self.watched.score(frame)

    def _matured(self, boundary: int) -> list[Example]:
        """All labels that become known at the boundary, in the order in which they are learned."""
        question = self.plan.question
        found = []
        for part in PARTS:
            snapshot = boundary - matures_after(question, part)
            vectors = self._pending.get(snapshot)
            if vectors is None:
                continue
            places = self.frames[snapshot].customers
            known, is_true = is_known(question, part, self.purchases.days_until(places, snapshot, boundary))
            found += [
                Example(boundary, snapshot, self.customers[place], part, truth, vectors[at])
                for at, place, truth in zip(
                    np.flatnonzero(known).tolist(), places[known].tolist(), is_true[known].tolist(), strict=True
                )
            ]
        found.sort(key=_order)
        return found

    def _judge(self, boundary: int) -> None:
        """Settle the snapshot whose horizon ends at the boundary."""
        snapshot = boundary - self.plan.question.horizon_days
        if self._pending.pop(snapshot, None) is None:
            return
        frame = self.frames[snapshot]
        frame.churned = self.purchases.days_until(frame.customers, snapshot, boundary) == NOT_YET
        self.watched.learn(boundary, frame)

    def judged(self) -> list[Frame]:
        """The snapshots that count, in their order."""
        return [frame for frame in self.frames.values() if self.plan.is_judged(frame.snapshot) and len(frame.customers)]


def _order(example: Example) -> tuple[int, str, bool, int]:
    """As labels that mature together are learned: the whole horizon after the bin that ends with it."""
    return example.snapshot, example.customer_id, example.part == WHOLE, example.part


def stacked(frames: Sequence[Frame]) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """(committee, experts, baselines, churned) of settled snapshots, one below the other."""
    settled = [(frame, frame.churned) for frame in frames if frame.churned is not None]
    return (
        np.concatenate([frame.chance for frame, _ in settled]),
        np.concatenate([frame.experts for frame, _ in settled]),
        np.concatenate([frame.baselines for frame, _ in settled]),
        np.concatenate([churned for _, churned in settled]),
    )
