"""The oracle: the same engine over events in order of time, without Kafka. The worker must equal this."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from models.census import Census
from models.customer import to_facts, to_verdict
from models.customer_record import decode_customer
from models.engine import Engine
from models.partition import Partition, Published, Taken
from models.partition_record import PARTITION_KEY
from models.scoring.version import Version
from models.signals.catalogue import Rules
from schemas.event import FEEDS, Event
from schemas.partitioner import partition_of

FRAME = 5_000
"""Events between two packings of the records: any number gives the same results, this one bounds memory."""


class Oracle:
    """Replays events through as many partitions as the deployment has."""

    def __init__(
        self,
        rules: Rules,
        partitions: int,
        alerts_from_ms: int = 0,
        versions: Callable[[int, int], Version | None] = lambda _partition, _boundary: None,
    ) -> None:
        """`versions`: of the model, by partition and boundary."""
        self.rules = rules
        self.partitions = [
            Partition(
                Engine(rules),
                {},
                number=number,
                alerts_from_ms=alerts_from_ms,
                limit_dead_letters=False,
                versions=partial(versions, number),
            )
            for number in range(partitions)
        ]
        self._offsets = [[0] * len(FEEDS) for _ in range(partitions)]
        self._open = [0] * partitions
        for partition in self.partitions:
            partition.begin(committed=0)

    def take(self, event: Event) -> tuple[Taken, list[Published]]:
        """Apply one event; events must come in order of time (ties: by feed, then as given)."""
        place = self.place_of(event.customer_id)
        offset = self._offsets[place][event.feed]
        self._offsets[place][event.feed] += 1
        taken = self.partitions[place].take_event(event, offset)
        self._open[place] += 1
        return taken, self._flush(place) if self._open[place] >= FRAME else []

    def place_of(self, customer_id: str) -> int:
        """The partition of a customer, by the partitioner that producers use."""
        return partition_of(customer_id.encode(), len(self.partitions))

    def until(self, now_ms: int) -> None:
        """Lift every feed's clock to an instant, as a tick in every partition does."""
        for partition in self.partitions:
            partition.lift(now_ms, list(range(len(FEEDS))))

    def finish(self) -> list[Published]:
        """What the last frames publish."""
        return [output for place in range(len(self.partitions)) for output in self._flush(place)]

    def states(self) -> Iterator[dict[str, Any]]:
        """Every customer, canonical, by partition and id; to be read after `finish`."""
        for partition in self.partitions:
            yield from canonical_states(partition.records.items(), partition.state.boundary, self.rules)

    def census(self) -> Census:
        """Who stands where in all partitions; to be read after `finish`."""
        total = Census()
        for partition in self.partitions:
            total += partition.census
        return total

    def _flush(self, place: int) -> list[Published]:
        partition = self.partitions[place]
        outputs = partition.finish().outputs
        partition.begin(committed=partition.state.sequence)
        self._open[place] = 0
        return outputs


def canonical_states(records: Iterable[tuple[bytes, bytes]], boundary: int, rules: Rules) -> Iterator[dict[str, Any]]:
    """Packed records of one partition as comparable values: without offsets, epoch, guards and outbox."""
    for key, packed in sorted(records):
        if key != PARTITION_KEY:
            customer = decode_customer(packed)
            facts = to_facts(customer, boundary, rules.basis.keep_days)
            yield {"customer_id": key.decode(), "boundary": boundary, "facts": facts, "verdict": to_verdict(customer)}
