"""A replay with a learner beside it: a history as if the model had been learned while it happened."""

from models.catalogue.rules import Rules
from models.engine.replay import Replay
from models.engine.review import Message
from models.learning.churn import Committee
from models.learning.learner import Learner
from models.scoring.version import Version, base_of, counted_of
from schemas.command import Command
from schemas.erasure import ErasureV1
from schemas.event import Event
from schemas.example import LessonV1, ProgressV1


class LearningReplay(Replay):
    """What became known by a day is learned before the next day's events, and scores from then on.

    A live learner may be a little sooner or later, so that its versions, and scores, are near these and not the same.
    """

    def __init__(self, rules: Rules, partitions: int, alerts_from_ms: int = 0, *, together: int = 1) -> None:
        """Raises ValueError when the catalogue has no model to learn."""
        learning = rules.basis.learning
        if learning is None:
            raise ValueError("the catalogue has no model")
        self._version: Version | None = None
        super().__init__(
            rules, partitions, alerts_from_ms, lambda _partition, _boundary: self._version, together=together
        )
        self._learner = Learner(rules, learning, partitions)
        self._calendar = rules.basis.calendar
        self._day = -1
        self._heard = 0
        self._decided: list[Message] = []

    def take(self, event: Event | Command) -> None:
        """Take an event or a command, in order of time; the first of a day ends the day before."""
        day = self._calendar.day_of(event.time_ms if isinstance(event, Event) else event.at_ms)
        if day > self._day:
            self._learn()
        self._day = day
        super().take(event)

    def until(self, now_ms: int) -> None:
        """Lift every feed's clock, a day at a time: what silence makes known is learned on the way as well."""
        last = self._calendar.day_of(now_ms)
        for day in range(self._day + 1 if self._day >= 0 else last, last + 1):
            super().until(self._calendar.start_of(day))
            self._learn()
        super().until(now_ms)

    def drain(self) -> list[Message]:
        """What was decided since the last call, learned."""
        self._learn()
        found, self._decided = self._decided, []
        return found

    @property
    def committee(self) -> Committee:
        """What was learned so far."""
        return self._learner.committee

    def _learn(self) -> None:
        decided = super().drain()
        self._decided += decided
        for message in decided:
            if isinstance(message, LessonV1 | ProgressV1 | ErasureV1):
                self._learner.take(message, self._heard)
                self._heard += 1
        for version in self._learner.versions():
            until = self._calendar.day_of_text(version.learned_until)
            scorer, base, counted = self._learner.committee.scorer(), base_of(version), counted_of(version)
            self._version = Version(version.version, until, scorer, base, counted)
