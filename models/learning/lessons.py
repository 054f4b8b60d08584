"""The order of learning: whatever order lessons arrive in, they are given out in one, week by week.

A label may be learned once every partition has told all that matured until then. What was learned is known by its date
alone: a label that comes again, or only after its week was learned, is left out.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final, NamedTuple

from msgspec import UnsetType

from models.calendar import Calendar
from models.config import Learning
from models.customers.sketch import is_sketch
from models.labels import BINS, PARTS, Example
from models.learning.distribution_counts import DistributionCounts
from models.learning.risk_counts import RiskCounts
from models.scoring.ranks import BUCKETS
from models.scoring.snapshots import FLOAT_BYTES, question_id, unpack_features
from schemas.erasure import DEFAULT_SALT, ErasureV1, erased_name
from schemas.example import Lesson, LessonError, LessonV1, ProgressV1

DAYS: Final = range(-36_500, Calendar.day_of_text("2101-01-01"))
"""On which boundaries lie: events are from 1970 to 2099, and what was complete before the first of them is older."""

Key = tuple[int, int, str, int]
"""Matured, snapshot, customer, part: examples are learned in this order, the whole horizon after its bins."""

LAST: Final = BINS + 1
"""Place of the whole horizon among its parts."""


MAX_CUSTOMERS: Final = 1 << 53
"""More customers than there are."""


class Held(NamedTuple):
    """An example that waits for its week: the offset it was read at, the label, packed features, the risk told."""

    offset: int
    is_true: bool
    features: bytes
    risk: float | None


class Week(NamedTuple):
    """Examples that matured since the last week's end, in order; `until` is the day the week ends with.

    `risks` are those told at the snapshots, by example.
    """

    until: int
    examples: list[Example]
    risks: list[float | None]


class Lessons:
    """Holds examples until their week is complete. `learned_until`: the last day learned, -1 for none."""

    def __init__(
        self,
        partitions: int,
        learning: Learning,
        features: Sequence[str],
        learned_until: int = -1,
        salt: str = DEFAULT_SALT,
    ) -> None:
        self.learned_until = learned_until
        self.left_out = 0
        """Labels that came again or too late."""
        self._partitions, self._learning = partitions, learning
        self._feature_bytes = len(features) * FLOAT_BYTES
        self._question = question_id(learning.question, features)
        self._weeks: dict[int, dict[Key, Held]] = {}
        """By the day a week ends with."""
        self._salt, self._erased = salt, set[str]()
        """Who is to be forgotten before anything more is learned."""
        self._complete: dict[int, int] = {}
        self.risks, self.distributions = RiskCounts(partitions, learning.step_days), DistributionCounts(partitions)

    def take(self, lesson: Lesson, offset: int) -> None:
        """Note a lesson read at an offset of the topic. Raises LessonError when it would teach something else."""
        try:
            if isinstance(lesson, ProgressV1):
                self._go_on(lesson, offset)
            elif isinstance(lesson, ErasureV1):
                self._erased.add(lesson.customer)
            else:
                self._check(lesson)
                self._hold(list(self._labels(lesson, offset)))
        except ValueError as error:  # an instant that is none
            raise LessonError("shape", str(error)) from error

    def _go_on(self, progress: ProgressV1, offset: int) -> None:
        if not 0 <= progress.partition < self._partitions:
            raise LessonError("shape", f"partition {progress.partition} of {self._partitions}")
        given = () if isinstance(progress.risks, UnsetType) else progress.risks
        if any(not (0 <= bucket < BUCKETS and 0 < count < MAX_CUSTOMERS) for bucket, count in given):
            raise LessonError("shape", f"counts of risks at {progress.boundary}")
        counts = {} if isinstance(progress.distributions, UnsetType) else progress.distributions
        if not all(map(is_sketch, counts.values())):
            raise LessonError("shape", f"distributions at {progress.boundary}")
        boundary, complete = _day_of(progress.boundary), _day_of(progress.complete_until)
        self.risks.take(boundary, progress.partition, given, offset)
        self.distributions.take(boundary, progress.partition, counts, offset)
        self._complete[progress.partition] = max(complete, self._complete.get(progress.partition, -1))

    def _check(self, lesson: LessonV1) -> None:
        if lesson.question != self._question:
            raise LessonError("other_question", f"{lesson.question}, not {self._question}")
        for snapshot in lesson.snapshots:
            if len(snapshot.features) != self._feature_bytes or any(
                label.part not in PARTS for label in snapshot.labels
            ):
                raise LessonError("shape", f"{len(snapshot.features)} bytes of features, or a part unheard of")
            risk = snapshot.risk or 0.0
            if not all(map(isfinite, [*unpack_features(snapshot.features), risk])):
                raise LessonError("not_finite", f"snapshot of {snapshot.at}")
            if not 0.0 <= risk <= 1.0:
                raise LessonError("shape", f"a risk of {risk}")

    def _labels(self, lesson: LessonV1, offset: int) -> Iterator[tuple[Key, Held]]:
        for snapshot in lesson.snapshots:
            for label in snapshot.labels:
                key = _day_of(label.matured_at), _day_of(snapshot.at), lesson.customer_id, label.part or LAST
                yield key, Held(offset, label.is_true, snapshot.features, snapshot.risk)

    def _hold(self, labels: Sequence[tuple[Key, Held]]) -> None:
        for key, held in labels:
            until = self._end_of_week(key[0])
            if key[0] <= self.learned_until or key in self._weeks.get(until, ()):
                self.left_out += 1
            else:
                self._weeks.setdefault(until, {})[key] = held

    def weeks(self) -> Iterator[Week]:
        """Give out every week that is complete and has examples; each counts as learned once the next is asked for."""
        self._forget_erased()
        for until in sorted(self._weeks):
            if until > self.complete_until:
                return
            held = sorted(self._weeks.pop(until).items())
            yield Week(until, [self._example(key, one) for key, one in held], [one.risk for _, one in held])
            self.learned_until = until

    def _forget_erased(self) -> None:
        """Drop what waits of who is erased: all of them in one pass, as each id that waits is to be hashed."""
        if not self._erased:
            return
        waiting = {customer_id for held in self._weeks.values() for _, _, customer_id, _ in held}
        gone = {one for one in waiting if erased_name(self._salt, one) in self._erased}
        kept = {until: {k: one for k, one in held.items() if k[2] not in gone} for until, held in self._weeks.items()}
        self._weeks = {until: held for until, held in kept.items() if held}
        self._erased.clear()

    def _example(self, key: Key, held: Held) -> Example:
        matured, snapshot, customer_id, part = key
        part %= LAST
        return Example(matured, snapshot, customer_id, part, held.is_true, tuple(unpack_features(held.features)))

    @property
    def complete_until(self) -> int:
        """The day until which every partition has told everything; -1 while one has told nothing."""
        return min(self._complete.values()) if len(self._complete) == self._partitions else -1

    @property
    def told_until(self) -> int:
        """The day until which the furthest partition has told everything; -1 while none has."""
        return max([*self._complete.values()], default=-1)  # a copy: a scrape asks from another thread

    def resume_at(self, end: int) -> int:
        """The offset from which a learner must read to have what is not learned yet; `end` is the next one to come."""
        firsts = (next(iter(week.values())) for week in self._weeks.values())  # taken in the order of offsets
        counted = self.risks.resume_at(end), self.distributions.resume_at(end)
        return min([end, *counted, *(held.offset for held in firsts)])

    def _end_of_week(self, day: int) -> int:
        step = self._learning.step_days
        return day + ((self._learning.anchor or 0) - day) % step


def _day_of(boundary: str) -> int:
    """Raises ValueError for a day that no partition can have reviewed."""
    day = Calendar.day_of_text(boundary)
    if day not in DAYS:
        raise ValueError(f"{boundary[:10]} is no day on which a boundary lies")
    return day
