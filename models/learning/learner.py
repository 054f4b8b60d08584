"""The learner: lessons in, versions of the model out, one for each week in which something was learned."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from msgspec import UNSET

from models.catalogue.rules import Rules
from models.config import Learning
from models.customers.columns import NEVER
from models.labels import WHOLE, Example
from models.learning.churn import new_committee, restored_committee
from models.learning.drift import WATCHED, Window, bucket_of, window_of
from models.learning.lessons import Lessons, Week
from models.learning.quality import Bin, Score, new_quality, quality_of
from models.scoring.features import feature_names
from models.scoring.scorer import BASELINES, log_loss
from schemas.example import Lesson
from schemas.model_version import MODEL_NAME, ModelVersionV1, sealed


class Learner:
    """Everything a model is made of. A function of the lessons: when and in which order they came leaves no trace."""

    def __init__(self, rules: Rules, learning: Learning, partitions: int, known: ModelVersionV1 | None = None) -> None:
        """Go on from a known version, or begin. Raises ModelStateError when it is of another question or features."""
        question, names = learning.question, feature_names(rules.basis.feeds)
        self._calendar = rules.basis.calendar
        if known is None:
            self.committee = new_committee(question, names, prior=learning.prior)
        else:
            self.committee = restored_committee(known.committee, question, names)
        until = -1 if known is None else self._calendar.day_of_text(known.learned_until)
        self.lessons = Lessons(partitions, learning, names, until)
        self._quality = {name: new_quality() for name in (MODEL_NAME, *BASELINES)}
        if known is not None:
            self._quality |= {name: quality_of(state) for name, state in known.quality.items()}
        self.drift = {name: Window() for name in WATCHED}
        if known is not None and isinstance(known.drift, dict):
            self.drift |= {name: window_of(state) for name, state in known.drift.items() if name in WATCHED}
        self._warm_since = NEVER
        if known is not None and isinstance(known.warm_since, str):
            self._warm_since = self._calendar.day_of_text(known.warm_since)
        self._based_on = NEVER
        """The boundary as of which the newest version told the risks of the base."""
        self._next_offset = 0 if known is None else known.resume_offset

    def take(self, lesson: Lesson, offset: int) -> None:
        """Note a lesson read at an offset of the topic. Raises LessonError when it would teach something else."""
        self.lessons.take(lesson, offset)
        self._next_offset = max(self._next_offset, offset + 1)

    def versions(self) -> Iterator[ModelVersionV1]:
        """Learn every week that is complete; a version after each, and one more when the base has moved on since."""
        for week in self.lessons.weeks():
            self._learn(week)
            yield self._version(week.until, week.until)
        reviewed = self.lessons.base.reviewed
        if reviewed > self._based_on and self.lessons.base.as_of(reviewed):
            yield self._version(self.lessons.learned_until, reviewed)

    def _version(self, until: int, reviewed: int) -> ModelVersionV1:
        """What was learned until a boundary, with the risks of the base as of another."""
        self._based_on = reviewed
        self.lessons.base.forget(reviewed)
        return sealed(
            ModelVersionV1(
                name=MODEL_NAME,
                learned_until=self._calendar.text_of(until),
                committee=self.committee.to_state(),
                quality={name: quality.to_state() for name, quality in self._quality.items()},
                drift={name: window.to_state() for name, window in self.drift.items()},
                risks=self.lessons.base.as_of(reviewed) or UNSET,
                warm_since=UNSET if self._warm_since == NEVER else self._calendar.text_of(self._warm_since),
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
        self._watch(week)
        rows = zip(week.examples, week.risks, strict=True)
        for matured, found in groupby(rows, key=lambda row: row[0].matured):
            batch = list(found)
            self._judge(matured, batch)
            self.committee.learn(matured, [example for example, _ in batch])
        if self._warm_since == NEVER and not self.committee.is_cold:
            self._warm_since = week.until

    def _watch(self, week: Week) -> None:
        """Has what is said changed, or how wrong it is? A week is one bucket.

        What was said is known from the first bin, a quarter of the horizon after the snapshot. What was said while the
        model was cold is not watched: that it changes then is called learning.
        """
        rows = [
            (one, risk)
            for one, risk in zip(week.examples, week.risks, strict=True)
            if risk is not None and one.snapshot >= self._warm_since
        ]
        said = np.array([risk for example, risk in rows if example.part == 1])
        judged = [(risk, example.is_true) for example, risk in rows if example.part == WHOLE]
        chances, churned = np.array([risk for risk, _ in judged]), np.array([is_true for _, is_true in judged], bool)
        self.drift["mean_prediction"].add(bucket_of(week.until, said))
        self.drift["loss"].add(bucket_of(week.until, log_loss(chances, churned)))

    def _judge(self, matured: int, batch: Sequence[tuple[Example, float | None]]) -> None:
        """Hold what was told at the snapshots against what happened; the baselines answer with what they know now."""
        judged = [(example, risk) for example, risk in batch if example.part == WHOLE and risk is not None]
        if not judged:
            return
        churned = np.array([example.is_true for example, _ in judged], dtype=np.bool_)
        baselines = self.committee.scorer().baselines(np.array([example.features for example, _ in judged]))
        told = [np.array([risk for _, risk in judged]), *baselines.T]
        for name, chances in zip((MODEL_NAME, *BASELINES), told, strict=True):
            self._quality[name].add(matured, chances, churned)
