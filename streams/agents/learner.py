"""The learner agent: takes lessons as they come, learns each complete week, publishes a version of the model."""

from __future__ import annotations

import logging
from collections import Counter

from models.catalogue.rules import Rules
from models.config import Learning
from models.learning.learner import Learner
from schemas.example import LessonError, decode_lesson
from schemas.model import ModelStateError
from schemas.model_version import MODEL_KEY, decode_model_version, encode_model_version
from streams.agents.sole import Reader, SoleAgent
from streams.transport.changelog import Changelog

log = logging.getLogger("churn")


class LearnerAgent(SoleAgent):
    """Owns the one partition of the examples. Lessons of a week that is not complete are kept nowhere but there."""

    def __init__(self, rules: Rules, learning: Learning, partitions: int, changelog: Changelog, read: Reader) -> None:
        super().__init__(changelog, read)
        self.learner: Learner | None = None
        self.refused: Counter[str] = Counter()
        self._rules, self._learning, self._partitions = rules, learning, partitions

    def begin(self, records: dict[bytes, bytes]) -> int:
        """Go on from the last version; one that cannot be used is told, and learning begins anew."""
        value = records.get(MODEL_KEY)
        try:
            known = None if value is None else decode_model_version(value)
            self.learner = Learner(self._rules, self._learning, self._partitions, known)
        except ModelStateError as error:
            log.error("the last version is refused (%s): learning begins anew", error)  # noqa: TRY400 - told, no crash
            self.refused[error.reason] += 1
            self.learner = Learner(self._rules, self._learning, self._partitions)
            return 0
        return 0 if known is None else known.resume_offset

    def note(self, offset: int, value: bytes | None) -> None:
        """Take a lesson; none is what says that another one is to vanish, of somebody who is erased."""
        assert self.learner is not None  # nothing is taken before `restored`
        if value is None:
            return
        try:
            self.learner.take(decode_lesson(value), offset)
        except LessonError as error:
            self.refused[error.reason] += 1
            log.error("record %d of the examples is left out (%s)", offset, error)  # noqa: TRY400 - told, no crash

    def work(self) -> None:
        """Learn every week that is complete."""
        assert self.learner is not None  # nothing is taken before `restored`
        for model in self.learner.versions():
            self.keep(MODEL_KEY, encode_model_version(model, self.epoch))
            log.info("model %s: %d labels returned, %d churned", model.version, *model.committee.labels)
            self.progress()

    def forget(self) -> None:
        """Whoever owns the partition now begins from the last version."""
        self.learner = None
