"""The oracle with a learner beside it: a history replayed as if the model had been learned while it happened."""

from collections.abc import Sequence

from models.learning.churn import Committee
from models.learning.learner import Learner
from models.oracle import Oracle
from models.partition import Published, Taken
from models.scoring.version import Version
from models.signals.catalogue import Rules
from schemas.event import Event
from schemas.example import decode_lesson


class Rehearsal(Oracle):
    """What became known by a day is learned before the next day's events, and scores from then on.

    A live learner may be a little sooner or later, so that its versions, and scores, are near these and not the same.
    """

    def __init__(self, rules: Rules, partitions: int, alerts_from_ms: int = 0) -> None:
        """Raises ValueError when the catalogue has no model to learn."""
        learning = rules.basis.learning
        if learning is None:
            raise ValueError("the catalogue has no model")
        self._version: Version | None = None
        super().__init__(rules, partitions, alerts_from_ms, lambda _partition, _boundary: self._version)
        self._learner = Learner(rules, learning, partitions)
        self._calendar = rules.basis.calendar
        self._day = -1
        self._heard = 0
        self._untold: list[Published] = []

    def take(self, event: Event) -> tuple[Taken, list[Published]]:
        """Apply one event, in order of time; the first of a day ends the day before."""
        day = self._calendar.day_of(event.time_ms)
        ended = self.finish() if day > self._day else []
        self._day = day
        taken, outputs = super().take(event)
        self._learn(outputs)
        return taken, ended + outputs

    def until(self, now_ms: int) -> None:
        """Lift every feed's clock, a day at a time: what silence makes known is learned on the way as well."""
        last = self._calendar.day_of(now_ms)
        for day in range(self._day + 1 if self._day >= 0 else last, last + 1):
            super().until(self._calendar.start_of(day))
            self._untold = self.finish()
        super().until(now_ms)

    def finish(self) -> list[Published]:
        """What the last frames publish, learned."""
        outputs = super().finish()
        self._learn(outputs)
        told, self._untold = self._untold + outputs, []
        return told

    @property
    def committee(self) -> Committee:
        """What was learned so far."""
        return self._learner.committee

    def _learn(self, outputs: Sequence[Published]) -> None:
        for output in outputs:
            if output.kind in ("lesson", "progress"):
                self._learner.take(decode_lesson(output.payload), self._heard)
                self._heard += 1
        for version in self._learner.versions():
            until = self._calendar.day_of_text(version.learned_until)
            self._version = Version(version.version, until, self._learner.committee.scorer())
