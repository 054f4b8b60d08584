"""Where a partition without a snapshot comes from: it is new, or can be rebuilt from the inputs, or was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient

from streams.errors import EXIT_SETUP
from streams.kafka.connection import Config
from streams.kafka.positions import committed_offsets, earliest_offsets
from streams.text.wording import counted
from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.load import Loaded


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What the broker says of a partition number.

    `log_start`: the first offset of its changelog. `committed`: by input topic what the group has committed, where it
    has. `firsts`: by input topic the first offset that is still there.
    """

    log_start: int
    committed: Mapping[str, int]
    firsts: Mapping[str, int]


def ask_beginnings(
    connection: Config, group: str, changelog: str, sources: Sequence[str], partitions: Iterable[int]
) -> dict[int, Beginnings]:
    """Ask the broker. Blocks. Raises KafkaException."""
    numbers = sorted(partitions)
    inputs = [(topic, number) for topic in sources for number in numbers]
    admin = AdminClient(connection)  # kept by name: one that is collected cancels its calls
    firsts = earliest_offsets(admin, [*inputs, *((changelog, number) for number in numbers)])
    committed = committed_offsets(connection, group, inputs)
    return {
        number: Beginnings(
            firsts[changelog, number],
            {topic: committed[topic, number] for topic in sources if (topic, number) in committed},
            {topic: firsts[topic, number] for topic in sources},
        )
        for number in numbers
    }


def check_origin(loaded: Loaded, found: Beginnings) -> str | None:
    """What there is to say of a partition without a snapshot when it begins all the same; None when it is new.

    Raises StopWorkerError when it had a life before and cannot be rebuilt: to go on would lose that in silence.
    """
    signs = _signs_of_life(loaded, found)
    if not signs:
        return None
    lost = {topic: first for topic, first in found.firsts.items() if first > 0}
    where = f"{loaded.topic}/{loaded.partition}: no snapshot that can be read"
    if lost:
        topic, first = max(lost.items(), key=lambda item: item[1])
        raise StopWorkerError(
            f"{where}, though {'; '.join(signs)}; and {topic}/{loaded.partition} now begins at offset {first}, so the "
            "partition cannot be rebuilt from the inputs. Bring the changelog topic back from a backup, or raise "
            "CHURN_APP_VERSION to begin anew with what the inputs still hold",
            EXIT_SETUP,
        )
    return f"{where}, though {'; '.join(signs)}: it is rebuilt from the inputs, which reach back to their first offset"


def _signs_of_life(loaded: Loaded, found: Beginnings) -> list[str]:
    signs = [f"damaged: {problem}" for problem in loaded.problems]
    if found.log_start > 0:
        signs.append(f"it begins at offset {found.log_start}, what was before was deleted")
    if any(key.kind == "begun" for key in loaded.keys):
        signs.append("boundaries were passed")
    if loaded.foreign:
        signs.append(f"it holds {counted(loaded.foreign, 'record')} of an earlier program")
    consumed = {topic: offset for topic, offset in found.committed.items() if offset > 0}
    if consumed:
        topic, offset = max(consumed.items(), key=lambda item: item[1])
        signs.append(f"{topic}/{loaded.partition} was read up to offset {offset}")
    return signs
