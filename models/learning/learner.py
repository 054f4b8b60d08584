"""The learner: lessons in, versions of the model out, one for each week in which something was learned."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from models.config import Learning
from models.labels import WHOLE, Example
from models.learning.churn import new_committee, restored_committee
from models.learning.features import feature_names
from models.learning.lessons import Lessons, Week
from models.learning.quality import BUCKETS, Quality, Score, new_quality
from models.learning.scoring import BASELINES
from models.signals.catalogue import Rules
from schemas.example import Lesson
from schemas.model import ModelStateError
from schemas.model_version import MODEL_NAME, ModelVersionV1, QualityState, sealed


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
        self.lessons = Lessons(partitions, learning, self._calendar, names, until)
        self._quality = {name: new_quality() for name in (MODEL_NAME, *BASELINES)}
        if known is not None:
            self._quality |= {name: to_quality(state) for name, state in known.quality.items()}
        self._next_offset = 0 if known is None else known.resume_offset

    def take(self, lesson: Lesson, offset: int) -> None:
        """Note a lesson read at an offset of the topic. Raises LessonError when it would teach something else."""
        self.lessons.take(lesson, offset)
        self._next_offset = max(self._next_offset, offset + 1)

    def versions(self) -> Iterator[ModelVersionV1]:
        """Learn every week that is complete; a version after each."""
        for week in self.lessons.weeks():
            self._learn(week)
            yield sealed(
                ModelVersionV1(
                    name=MODEL_NAME,
                    learned_until=self._calendar.text_of(week.until),
                    committee=self.committee.to_state(),
                    quality={name: _to_state(quality) for name, quality in self._quality.items()},
                    resume_offset=self.lessons.resume_at(self._next_offset),
                )
            )

    def quality(self) -> dict[str, Score]:
        """How good the risks told were, lately: of the model and of its baselines on the same rows."""
        return {name: quality.score() for name, quality in self._quality.items()}

    def _learn(self, week: Week) -> None:
        rows = zip(week.examples, week.risks, strict=True)
        for matured, found in groupby(rows, key=lambda row: row[0].matured):
            batch = list(found)
            self._judge(matured, batch)
            self.committee.learn(matured, [example for example, _ in batch])

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


def _to_state(quality: Quality) -> QualityState:
    given, lost, kept = quality.given.tolist(), quality.lost.tolist(), quality.kept.tolist()
    return QualityState(quality.boundary, quality.rows, quality.losses, quality.squares, given, lost, kept)


def to_quality(state: QualityState) -> Quality:
    """What was measured, from a published version. Raises ModelStateError when the numbers are not of this program."""
    counts = [np.array(each, dtype=np.float64) for each in (state.given, state.lost, state.kept)]
    if any(each.shape != (BUCKETS,) or not np.isfinite(each).all() for each in counts):
        raise ModelStateError("shape", f"quality: not {BUCKETS} finite numbers")
    return Quality(state.boundary, state.rows, state.losses, state.squares, *counts)
