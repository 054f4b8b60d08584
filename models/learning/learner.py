"""The learner: lessons in, versions of the model out, for each week that was learned and as the base moves on."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from msgspec import UNSET

from models.catalogue.rules import Rules
from models.config import Learning
from models.customers.arrays import Bools, Floats
from models.customers.columns import NEVER
from models.labels import WHOLE, Example
from models.learning.churn import new_committee, restored_committee
from models.learning.drift import WATCHED, DriftWindow, bucket_of, window_of
from models.learning.hindsight import Hindsight
from models.learning.lessons import Lessons, Week
from models.learning.quality import Bin, Score, new_quality, quality_of
from models.learning.risk_counts import ranked_among
from models.scoring.features import feature_names
from models.scoring.ranks import MIN_SCORES
from models.scoring.scorer import BASELINES, log_loss
from schemas.example import Lesson
from schemas.model_version import MODEL_NAME, DistributionsV1, JudgedState, ModelVersionV1, ScorerV1, sealed


class Learner:
    """Everything a model is made of. A function of the lessons: when and in which order they came leaves no trace."""

    def __init__(self, rules: Rules, learning: Learning, partitions: int, known: ModelVersionV1 | None = None) -> None:
        """Go on from a known version, or begin. Raises ModelStateError when it is of another question or features."""
        question, names = learning.question, feature_names(rules.basis.feeds)
        self._calendar, self._limits = rules.basis.calendar, rules.basis.lifecycle
        self._step_days = learning.step_days
        self._quality = {name: new_quality() for name in (MODEL_NAME, *BASELINES)}
        self.drift = {name: DriftWindow() for name in WATCHED}
        self.judged: JudgedState | None = None
        """How many risks were held against what happened; None before any."""
        self._based_on = NEVER
        """The boundary as of which the newest version told the risks of the base."""
        self._warm_since, self._next_offset, until = NEVER, 0, -1
        earlier: list[ScorerV1] = []
        if known is None:
            self.committee = new_committee(question, names, prior=learning.prior)
        else:
            self.committee = restored_committee(known.committee, question, names)
            self._resume(known)
            until, earlier = self._calendar.day_of_text(known.learned_until), known.earlier or []
        self.lessons = Lessons(partitions, learning, names, until, rules.basis.erasure_salt)
        self._hindsight = Hindsight(learning, names, earlier)
        if known is not None and not earlier:
            self._hindsight.keep(until, self.committee.scorer())

    def _resume(self, known: ModelVersionV1) -> None:
        """Take over what a version was measured to be."""
        self._quality |= {name: quality_of(state) for name, state in known.quality.items()}
        self.drift |= {name: window_of(state) for name, state in (known.drift or {}).items() if name in WATCHED}
        self.judged = known.judged or None
        if known.warm_since:
            self._warm_since = self._calendar.day_of_text(known.warm_since)
        self._next_offset = known.resume_offset

    def take(self, lesson: Lesson, offset: int) -> None:
        """Note a lesson read at an offset of the topic. Raises LessonError when it would teach something else."""
        self.lessons.take(lesson, offset)
        self._next_offset = max(self._next_offset, offset + 1)

    def versions(self) -> Iterator[ModelVersionV1]:
        """Learn every week that is complete; a version after each, and one more when the base has moved on since."""
        for week in self.lessons.weeks():
            self._learn(week)
            scorer = self.committee.scorer()
            self._hindsight.keep(week.until, scorer)
            given = self.lessons.risks.as_of(week.until)
            yield self._version(week.until, week.until, ranked_among(given, week.examples, scorer, self._limits))
        reviewed = self.lessons.risks.reviewed
        if reviewed > self._based_on:
            given = self.lessons.risks.as_of(reviewed)
            if sum(given) >= MIN_SCORES:
                yield self._version(self.lessons.learned_until, reviewed, given)

    def _version(self, until: int, reviewed: int, risks: list[int]) -> ModelVersionV1:
        """What was learned until a boundary, with the risks of the base, and what else is counted, as of another."""
        self._based_on = reviewed
        counts = self.lessons.distributions.as_of(reviewed)
        still_asked = min(reviewed, self.lessons.learned_until + self._step_days)
        self.lessons.risks.forget(still_asked)
        self.lessons.distributions.forget(still_asked)
        return sealed(
            ModelVersionV1(
                name=MODEL_NAME,
                learned_until=self._calendar.text_of(until),
                committee=self.committee.to_state(),
                quality={name: quality.to_state() for name, quality in self._quality.items()},
                drift={name: window.to_state() for name, window in self.drift.items()},
                risks=risks or UNSET,
                warm_since=UNSET if self._warm_since == NEVER else self._calendar.text_of(self._warm_since),
                earlier=self._hindsight.to_state(),
                judged=self.judged or UNSET,
                distributions=DistributionsV1(self._calendar.text_of(reviewed), counts) if counts else UNSET,
                resume_offset=self.lessons.resume_at(self._next_offset),
            )
        )

    def quality(self) -> dict[str, Score]:
        """How good the risks told were, lately: of the model and of its baselines on the same rows."""
        return {name: quality.score() for name, quality in self._quality.items()}

    def calibration(self) -> list[Bin]:
        """What was told against what happened, lately."""
        judged = self._quality[MODEL_NAME]
        return judged.table() if judged.rows else []

    @property
    def label_lag_ms(self) -> int | None:
        """Event time from the newest label learned to the day until which a partition has told all; None before any."""
        told = self.lessons.told_until
        if self.committee.boundary < 0 or told < 0:
            return None
        return max(0, self._calendar.start_of(told) - self._calendar.start_of(self.committee.boundary))

    def _learn(self, week: Week) -> None:
        """Judge, then learn, day by day. A snapshot that was told no risk is judged by what was known on its day."""
        examples, said = week.examples, self._hindsight.said(week.examples)
        given = np.array([np.nan if risk is None else risk for risk in week.risks])
        risks = np.where(np.isnan(given), said.risks, given)
        self._watch(week, risks)
        is_judged = np.array([example.part == WHOLE for example in examples]) & ~np.isnan(risks)
        end = 0
        for matured, found in groupby(example.matured for example in examples):
            first, end = end, end + sum(1 for _ in found)
            places = first + np.flatnonzero(is_judged[first:end])
            if len(places):
                self._judge(matured, [examples[place] for place in places], risks[places], said.baselines[places])
                self._count(examples[places[0]].snapshot, np.isnan(given[places]))
            self.committee.learn(matured, examples[first:end])
        if self._warm_since == NEVER and not self.committee.is_cold:
            self._warm_since = week.until

    def _watch(self, week: Week, risks: Floats) -> None:
        """Has what is said changed, or how wrong it is? A week is one bucket.

        What was said is known from the first bin, a quarter of the horizon after the snapshot. What was said while the
        model was cold is not watched: that it changes then is called learning.
        """
        snapshots, parts = (np.array([getattr(one, name) for one in week.examples]) for name in ("snapshot", "part"))
        is_watched = ~np.isnan(risks) & (snapshots >= self._warm_since)
        said, judged = risks[is_watched & (parts == 1)], is_watched & (parts == WHOLE)
        churned = np.array([example.is_true for example in week.examples])[judged]
        self.drift["mean_prediction"].add(bucket_of(week.until, said))
        self.drift["loss"].add(bucket_of(week.until, log_loss(risks[judged], churned)))

    def _judge(self, matured: int, examples: Sequence[Example], risks: Floats, baselines: Floats) -> None:
        """Hold what was said at the snapshots against what happened; baselines not kept say what they know now."""
        churned = np.array([example.is_true for example in examples])
        if np.isnan(baselines).any():
            now = self.committee.scorer().baselines(np.array([example.features for example in examples]))
            baselines = np.where(np.isnan(baselines), now, baselines)
        for name, chances in zip((MODEL_NAME, *BASELINES), (risks, *baselines.T), strict=True):
            self._quality[name].add(matured, chances, churned)

    def _count(self, snapshot: int, is_worked_out: Bools) -> None:
        """Note what was judged."""
        known = self.judged or JudgedState(self._calendar.text_of(snapshot), 0, 0)
        worked_out = int(is_worked_out.sum())
        self.judged = JudgedState(
            known.since, known.given + len(is_worked_out) - worked_out, known.worked_out + worked_out
        )
