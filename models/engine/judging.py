"""How a partition passes boundaries: a day is closed, everybody is judged, some rows at a time where they are many."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from models.calendar import DAY_MS
from models.catalogue.rules import Rules
from models.customers.customers import Customers
from models.engine.arrivals import Expected, Passed
from models.engine.early_firing import EVER, EarlyFiring
from models.engine.erasing import Erasing, LateEvent
from models.engine.ids import SeenIds
from models.engine.inbox import Inbox
from models.engine.ledger import Ledger
from models.engine.merging import Merging
from models.engine.progress import progress_of
from models.engine.review import Message, Review
from models.engine.watermark import Watermark
from models.scoring.version import Version
from schemas.moved import Moved

EVERYBODY: Final = 1 << 60
MOST_KNOWN: Final = 50
"""Changes of the catalogue that are remembered."""


class Coming(NamedTuple):
    """A catalogue that waits for its boundary, and what takes it up: see `models.engine.taking_up`."""

    boundary: int
    take_up: Callable[[], None]


class Judging:
    """The state of a partition but for its records, and what happens at its boundaries."""

    def __init__(
        self,
        rules: Rules,
        *,
        number: int = 0,
        partitions: int = 1,
        alerts_from_ms: int = 0,
        limit_dead_letters: bool = True,
    ) -> None:
        """`partitions`: how many there are, so that it is known where an id belongs."""
        self.number, self.partitions, self.limit_dead_letters = number, partitions, limit_dead_letters
        self.coming: list[Coming] = []
        """Catalogues that are taken up later, the next first."""
        self.judged_by: list[tuple[int, str]] = []
        """Since which boundary which catalogue judges, by its hash; the newest last."""
        self.versions: Callable[[int], Version | None] = lambda _boundary: None
        """The version of the model in force, asked when a boundary is passed."""
        self._version: Version | None = None
        """With which the boundary that was passed last is judged to its end. Of no use before the next, so not kept."""
        self.spreads = False
        """Whether reviews wait for `go_on`, so that a midnight of many customers does not hold up the events behind."""
        self.passed: list[Passed] = []
        """Boundaries passed, the newest last; whoever writes them down clears the list."""
        self._expected = Expected()
        self._is_unsure = True
        """Whether the watermark may have reached a boundary before anything is taken: other feeds are declared now."""
        self._outputs: list[Message] = []
        self._moving: list[Moved] = []
        self.judged = 0
        """Customers judged at boundaries so far, a boundary at a time."""
        self.set_up(rules, alerts_from_ms)

    def set_up(self, rules: Rules, alerts_from_ms: int) -> None:
        """Begin without customers, by rules."""
        self.rules, self.basis = rules, rules.basis
        self.customers = Customers(rules.basis)
        self.ledger = Ledger()
        self.watermark = Watermark(rules.basis)
        self.review = Review(rules, self.customers, alerts_from_ms, self.number)
        self.ids = SeenIds(-(-rules.basis.lateness_ms // DAY_MS) + 1)
        self.inbox = Inbox(self.customers, self.watermark, self.review.quiet)
        self.early = EarlyFiring(self.review, self.watermark, self._settle)
        self._held: list[LateEvent] = []
        """Late events of closed days that came while a boundary is judged: they count from the next one on."""
        erasing = Erasing(self.review, self.inbox, self.early, self._held)
        where = (self.number, self.partitions)
        self.merging = Merging(self.review, self.inbox, erasing, self.watermark, where, self._take_late, self._moving)

    # -- what others ask

    @property
    def boundary(self) -> int:
        """The last midnight that was passed, -1 for none."""
        return self.watermark.boundary

    @property
    def is_behind(self) -> bool:
        """Whether customers wait for their judgement as of a boundary that was passed."""
        return not self.review.is_done or self.customers.boundary < self.watermark.boundary

    @property
    def judged_boundary(self) -> int:
        """The last boundary as of which everybody was judged, -1 for none."""
        return self.customers.boundary if self.review.is_done else self.customers.boundary - 1

    @property
    def unjudged(self) -> int:
        """Customers who wait to be judged, those of several boundaries counted several times."""
        behind = (self.boundary - max(self.customers.boundary, 0)) * self.is_behind
        return max(0, self.review.as_of.size - self.review.reached) + self.customers.size * behind

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        return self.customers.nbytes + self.review.windows.nbytes

    def drain(self) -> list[Message]:
        """What was decided since the last call."""
        found, self._outputs = self._outputs, []
        return found

    def drain_moved(self) -> list[Moved]:
        """What goes to other partitions since the last call."""
        found = self._moving.copy()
        self._moving.clear()
        return found

    def _take_late(self, late: LateEvent) -> None:
        """An event of a closed day: in the middle of a boundary it waits until everybody is judged."""
        if self.is_behind:
            self._held.append(late)
        else:
            self.customers.add_late(*late)

    # -- the clock

    def _cross(self) -> None:
        """A feed's clock was raised: pass the boundaries that the watermark has reached."""
        if self._expected:
            return
        self._is_unsure = False
        self.merging.send_marks()
        target = self.customers.aliases.limit(self.watermark.reached)
        if target > self.boundary:
            self._pass(target)

    def expect(self, passed: Iterable[Passed]) -> None:
        """After a restart: pass these boundaries again where they were passed, so that the same events are late."""
        self._expected = Expected(one for one in passed if one.boundary > self.boundary)
        self._is_unsure = True

    def is_beyond(self, feed: int, offset: int) -> bool:
        """Whether a record must wait until the next boundary that is expected was passed."""
        if not self._expected.lies_beyond(feed, offset):
            return False
        self._pass_expected()
        return self._expected.lies_beyond(feed, offset)

    def _pass_expected(self) -> None:
        while (boundary := self._expected.take_reached(self.ledger.covered)) is not None:
            self._pass(boundary)
        self._cross()  # it may have stopped between two boundaries that were passed at the same place

    # -- a boundary

    def will_take_up(self, coming: Sequence[Coming]) -> None:
        """Have other catalogues taken up, the next first; what is fired early waits for the one whose day it is."""
        self.coming = list(coming)
        self.early.until = coming[0].boundary if coming else EVER
        for feed, high_ms in enumerate(self.watermark.highs):
            self._outputs += self.early.release(feed, high_ms)

    def _pass(self, target: int) -> None:
        while self.coming and self.coming[0].boundary <= target:
            boundary, take_up = self.coming.pop(0)
            if self.boundary < boundary - 1:
                self._pass_one(boundary - 1)
            self.go_on()
            take_up()
            self._pass_one(boundary)
        if self.boundary < target:
            self._pass_one(target)

    def _pass_one(self, target: int) -> None:
        self.go_on()  # what is left of an earlier boundary comes first
        self.watermark.pass_boundary(target)
        self.merging.pass_boundary(target)
        self._version, name = self.versions(target), self.rules.hash
        if not self.judged_by or self.judged_by[-1][1] != name:
            self.judged_by = [*self.judged_by, (target, name)][-MOST_KNOWN:]
        version = getattr(self._version, "name", None)
        self.passed.append(Passed(target, tuple(self.ledger.covered), version, name))
        if self.customers.boundary < 0:
            self.customers.boundary = self._first_boundary(target)
            if not self.is_behind:  # nobody was seen yet: no command can speak of an alert
                told, due = self.merging.due(target)
                self._outputs += [*told, *self.review.follow_up.begin(due, target, 0), *self._progress()]
        if not self.spreads:
            self.go_on()

    def _first_boundary(self, target: int) -> int:
        """Behind which boundary days are closed when the first is passed: nobody was seen in a day before.

        An alias that was to leave by then leaves before its first day is closed.
        """
        first = min([target, *self.customers.days.open, *(one.since for one in self.customers.aliases.waiting)])
        is_left = any(one.is_merge and one.boundary <= first for one in self.inbox.waiting)
        return first - 1 if is_left and first < target else first

    def go_on(self, most: int = EVERYBODY) -> None:
        """Judge everybody who waits, or about `most` customers; to close a day or to score it is a step of its own."""
        review, customers = self.review, self.customers
        while most > 0 and self.is_behind:
            if review.is_done:
                told, due = self.merging.due(customers.boundary + 1)
                self._outputs += [*told, *review.begin(customers.boundary, due)]
                self.merging.send_marks()
                most -= customers.size
            elif not review.is_scored:
                self._outputs += review.score(self._version)
                most -= customers.size
                self._outputs += self._progress()
            else:
                before = review.reached
                self._outputs += review.judge(most)
                most -= max(1, review.reached - before)
                self.judged += review.reached - before
                self._outputs += self._progress()
        if not self.is_behind:
            for late in self._held:
                customers.add_late(*late)
            self._held.clear()

    def _progress(self) -> list[Message]:
        return progress_of(self.number, self.review, self._version)

    def _settle(self, row: int) -> None:
        """See to it that what is decided of a customer follows from what the last boundary makes of late events."""
        if self.is_behind and self.review.has_late(row):
            self.go_on()
