"""The learner agent: takes lessons as they come, learns each complete week, publishes a version of the model.

Lessons whose week is not complete are kept nowhere but on their topic: after a restore they are read again from the
offset that the last version names. Where the group's committed offset stands does not matter.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from models.catalogue.rules import Rules
from models.config import Learning
from models.learning.learner import Learner
from schemas.example import LessonError, decode_lesson
from schemas.model import ModelStateError
from schemas.model_version import MODEL_KEY, PREFIX_BYTES, decode_model_version, encode_model_version
from streams.transport.changelog import Changelog, epoch_of
from streams.transport.records import Record

CLAIM_KEY: Final = b"\0partition"
"""The key of the record that says who writes."""

log = logging.getLogger("churn")

Reader = Callable[[int], Iterable[tuple[int, bytes | None]]]
"""The lessons on the topic from an offset to its present end: (offset, value)."""


class LearnerAgent:
    """Owns the one partition of the examples. See `transport.owner.Owner`."""

    def __init__(self, rules: Rules, learning: Learning, partitions: int, changelog: Changelog, read: Reader) -> None:
        self.learner: Learner | None = None
        self.refused: Counter[str] = Counter()
        self.progress: Callable[[], None] = lambda: None
        """Called while a backlog is read and learned, which takes minutes."""
        self._rules, self._learning, self._partitions = rules, learning, partitions
        self._changelog, self._read = changelog, read
        self._records: dict[bytes, bytes] = {}
        self._epoch = 0

    def restored(self, partition: int, records: dict[bytes, bytes]) -> None:
        """Go on from the last version, with the lessons that it has not learned."""
        self._records = records
        self._epoch = 1 + max((int.from_bytes(epoch_of(value), "big") for value in records.values()), default=0)
        self._write(partition, CLAIM_KEY, _claim(self._epoch))
        self.learner, first = self._begin(records.get(MODEL_KEY))
        for offset, value in self._read(first):
            self._take(self.learner, offset, value)
        self._learn(partition, self.learner)

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's
        """Take lessons, in any order; those known already are left out."""
        assert self.learner is not None  # nothing is taken before `restored`
        for record in records:
            self._take(self.learner, record.offset, record.value)
        self._learn(partition, self.learner)

    def committed(self, partition: int, sequence: int) -> None:
        """Nothing is kept for it."""

    def is_behind(self, partition: int) -> bool:  # noqa: ARG002 - the port's
        """Never: what is read is learned at once."""
        return False

    def revoked(self, partition: int) -> None:  # noqa: ARG002 - the port's
        """Forget everything: whoever owns the partition now reads it again."""
        self.learner = None

    def rewrite(self, partition: int, key: bytes) -> None:
        """Put our record behind one that an earlier learner wrote too late."""
        self._changelog.write(partition, key, self._records.get(key))

    def _begin(self, value: bytes | None) -> tuple[Learner, int]:
        """A learner and the offset to read from; a version that cannot be used is told, and learning begins anew."""
        try:
            known = None if value is None else decode_model_version(value)
            learner = Learner(self._rules, self._learning, self._partitions, known)
        except ModelStateError as error:
            log.error("the last version is refused (%s): learning begins anew", error)  # noqa: TRY400 - told, no crash
            self.refused[error.reason] += 1
            return Learner(self._rules, self._learning, self._partitions), 0
        return learner, 0 if known is None else known.resume_offset

    def _take(self, learner: Learner, offset: int, value: bytes | None) -> None:
        self.progress()
        if value is None:  # of somebody who is erased
            return
        try:
            learner.take(decode_lesson(value), offset)
        except LessonError as error:
            self.refused[error.reason] += 1
            log.error("record %d of the examples is left out (%s)", offset, error)  # noqa: TRY400 - told, no crash

    def _learn(self, partition: int, learner: Learner) -> None:
        for model in learner.versions():
            self._write(partition, MODEL_KEY, encode_model_version(model, self._epoch))
            log.info("model %s: %d labels returned, %d churned", model.version, *model.committee.labels)
            self.progress()

    def _write(self, partition: int, key: bytes, value: bytes) -> None:
        self._records[key] = value
        self._changelog.write(partition, key, value)


def _claim(epoch: int) -> bytes:
    """Who writes from now on: a record with nothing but its prefix."""
    return bytes((1,)) + epoch.to_bytes(PREFIX_BYTES - 1, "big") + b"{}"
