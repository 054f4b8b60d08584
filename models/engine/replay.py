"""The engine over events in order of time, without Kafka: what a worker publishes must equal this."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple

import numpy as np

from models.alerts.partitions import place_of_command
from models.catalogue.rules import Rules
from models.customers.facts import facts_of
from models.engine.arrivals import Arrival
from models.engine.ledger import COMMANDS, MOVED
from models.engine.partition import Partition
from models.engine.review import Message
from models.engine.taking_up import plan
from models.engine.verdicts import verdict_of
from models.scoring.version import Version
from schemas.command import Command
from schemas.event import FEEDS, Event
from schemas.partitioner import partition_of

FRAME: Final = 5_000
"""Events of a partition taken together: any number gives the same results."""


class Then(NamedTuple):
    """Another catalogue from a boundary on, in one partition or (None) in all of them."""

    boundary: int
    rules: Rules
    partition: int | None = None


class Replay:
    """Takes events through as many partitions as the deployment has.

    Events come in order of time, so what one partition knows of the time the others may know as well: each feed's clock
    is that of the furthest partition. Stages, alerts and lessons are then the same for any number of partitions.
    """

    def __init__(
        self,
        rules: Rules,
        partitions: int,
        alerts_from_ms: int = 0,
        versions: Callable[[int, int], Version | None] = lambda _partition, _boundary: None,
        *,
        together: int = 1,
        then: Sequence[Then] = (),
    ) -> None:
        """`versions`: of the model, by partition and boundary. `together`: of how many partitions each knows the feeds.

        One that stands for all of a deployment decides what they do: customers know of each other's feeds alone. It
        takes no other catalogue up (`then`: in the order of their boundaries).
        """
        self.rules = rules
        self.partitions = [
            Partition(
                rules, number=number, partitions=partitions, alerts_from_ms=alerts_from_ms, limit_dead_letters=False
            )
            for number in range(partitions)
        ]
        for number, partition in enumerate(self.partitions):
            partition.versions = partial(versions, number)
            plan(partition, [(one.boundary, one.rules) for one in then if one.partition in (None, number)])
        if together > 1:
            assert partitions == 1  # which stands for all
            assert not then  # a snapshot is of one partition
            self.partitions[0].customers.outages.part(together, lambda one: partition_of(one.encode(), together))
        self._offsets = [[count() for _ in range(MOVED + 1)] for _ in range(partitions)]
        self._frames: list[list[Event | Command]] = [[] for _ in range(partitions)]
        self._places: dict[str, int] = {}
        self._turn_ms: int | None = None
        """Once customers are merged, the instant before which all must have come where it belongs; None before that."""

    def take(self, event: Event | Command) -> None:
        """Take an event or a command; they must come in order of time (ties: by feed, then as given)."""
        if isinstance(event, Command):
            if event.action == "merge":
                self.flush()
                self._turn_ms = self._turn_ms or 0
        elif self._turn_ms is not None and event.time_ms >= self._turn_ms:
            self.flush()
            basis = self.rules.basis
            day = basis.calendar.day_of(event.time_ms - basis.disorder_ms)
            self._turn_ms = basis.calendar.start_of(day + 1) + basis.disorder_ms
        if isinstance(event, Command) and event.is_of_feed:
            place = place_of_command(event, len(self.partitions), self.rules.basis.calendar)
        else:
            place = self._place(event.customer_id)
        frame = self._frames[place]
        frame.append(event)
        if len(frame) >= FRAME:
            self._flush(place)

    def _place(self, customer_id: str) -> int:
        place = self._places.get(customer_id)
        if place is None:
            place = self._places[customer_id] = partition_of(customer_id.encode(), len(self.partitions))
        return place

    def _flush(self, place: int) -> None:
        taken, self._frames[place] = self._frames[place], []
        offsets = self._offsets[place]
        places = [one.feed if isinstance(one, Event) else COMMANDS for one in taken]
        arrivals = [Arrival(at, next(offsets[at]), one) for at, one in zip(places, taken, strict=True)]
        self.partitions[place].observe(arrivals)

    def until(self, now_ms: int) -> None:
        """Lift every feed's clock to an instant, as a tick in every partition does."""
        self.flush()
        for partition in self.partitions:
            partition.lift(now_ms, range(len(FEEDS)))
        self._route()

    def flush(self) -> None:
        """Apply what was taken, and bring every partition to the furthest one's clocks."""
        for place in range(len(self.partitions)):
            self._flush(place)
        self._route()
        self._share_clocks()
        self._route()

    def _route(self) -> None:
        """Take what partitions send each other where it belongs, until nothing moves any more."""
        while moved := [record for partition in self.partitions for record in partition.drain_moved()]:
            for record in moved:
                arrival = Arrival(MOVED, next(self._offsets[record.to][MOVED]), record)
                self.partitions[record.to].observe([arrival])

    def _share_clocks(self) -> None:
        for feed in range(len(FEEDS)):
            furthest_ms = max(partition.watermark.highs[feed] for partition in self.partitions)
            for partition in self.partitions:
                partition.lift(furthest_ms, (feed,))

    def drain(self) -> list[Message]:
        """What was decided since the last call, of all that was taken."""
        self.flush()
        return [message for partition in self.partitions for message in partition.drain()]

    def states(self) -> Iterator[dict[str, Any]]:
        """Every customer, canonical, by partition and id."""
        self.flush()
        for partition in self.partitions:
            yield from canonical_states(partition)


def canonical_states(partition: Partition) -> Iterator[dict[str, Any]]:
    """The customers of a partition as comparable values, by id; rows of nobody are left out."""
    ids = partition.customers.roster.ids
    rows = np.array(sorted((row for row, name in enumerate(ids) if name), key=ids.__getitem__), np.int32)
    gone = partition.customers.aliases.gone
    for row, facts in zip(rows.tolist(), facts_of(partition.customers, rows), strict=True):
        if ids[row] in gone and not any(facts["totals"]) and max(facts["first"]) < 0:
            continue  # what was known of an alias is its customer's
        verdict = verdict_of(partition, row)
        yield {"customer_id": ids[row], "boundary": partition.boundary, "facts": facts, "verdict": verdict}
