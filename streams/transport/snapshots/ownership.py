"""Taking partitions over: read, claim a higher epoch, read what came before the claim, give way to who was first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.errors import EXIT_SETUP
from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.load import Loaded, Pile, PlacedClaim, fill
from streams.transport.snapshots.reading import Progress, reader
from streams.transport.snapshots.records import Begun, Claim, Key, to_key, to_value
from streams.transport.snapshots.sender import Sender, Writes

ATTEMPTS: Final = 5
"""How often one gives way. Two that start at once are apart after the first; more means that others keep claiming."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owned:
    """A partition that is ours from here on: what lay there, and the epoch under which we write."""

    loaded: Loaded
    epoch: int


def take_over(
    connection: Mapping[str, object],
    sender: Sender,
    partitions: Iterable[int],
    *,
    owner: str,
    stop: threading.Event,
    on_progress: Progress = lambda _: None,
) -> dict[int, Owned]:
    """Load partitions and claim them. When it returns, whatever an earlier owner still writes counts for nothing.

    The claims stand in the log before it is read for the last time: all that an earlier owner wrote before them was
    read, and all after them is of a lower epoch than one that lies before it. Blocks. Raises what `load` raises,
    DeliveryError, and StopWorkerError when others keep claiming the same partitions.
    """
    piles = {partition: Pile(sender.topic, partition) for partition in partitions}
    epochs: dict[int, int] = {}
    left = dict(piles)
    with reader(connection, stop=stop, on_progress=on_progress) as source:
        fill(source, piles)
        for _ in range(ATTEMPTS):
            epochs |= {number: pile.highest_epoch + 1 for number, pile in left.items()}
            placed = _claim(sender, {number: epochs[number] for number in left}, owner, stop)
            fill(source, left)
            left = {n: pile for n, pile in left.items() if _first_rival(pile, epochs[n], placed[n], owner)}
            if not left:
                break
            for number, pile in left.items():
                log.warning("%s/%d: epoch %d is claimed by another worker too", pile.topic, number, epochs[number])
        else:
            raise _contested(left, owner)
    owned = {number: Owned(pile.loaded(), epochs[number]) for number, pile in piles.items()}
    _say_problems(owned)
    _repeat_begun(sender, owned, owner, stop)
    return owned


def rival_of(claims: Iterable[PlacedClaim], epoch: int, owner: str) -> PlacedClaim | None:
    """The claim by which a partition is no longer ours: another owner's of a higher epoch."""
    return next((one for one in claims if one.claim.owner != owner and one.claim.epoch > epoch), None)


def _first_rival(pile: Pile, epoch: int, placed: int, owner: str) -> PlacedClaim | None:
    """Another owner's claim that beats ours: a higher epoch wherever it lies, the same one if it lies before ours."""
    equals = (one for one in pile.claims if one.claim.owner != owner and one.claim.epoch == epoch)
    before = next((one for one in equals if one.offset < placed), None)
    return before or rival_of(pile.claims, epoch, owner)


def _claim(sender: Sender, epochs: Mapping[int, int], owner: str, stop: threading.Event) -> dict[int, int]:
    """Write the claims; returns where each lies."""
    writes: dict[int, Writes] = {
        number: [(to_key(Key("claim", epoch)), to_value(Claim(epoch, owner)))] for number, epoch in epochs.items()
    }
    return {number: offsets[0] for number, offsets in sender.send(writes, stop=stop).items()}


def _repeat_begun(sender: Sender, owned: Mapping[int, Owned], owner: str, stop: threading.Event) -> None:
    """Write under our own epoch what was begun: an earlier owner's record may yet be replaced by itself, waking up."""
    writes: dict[int, Writes] = {
        number: [(to_key(Key("begun", one.epoch)), to_value(Begun(one.epoch, owner, one.loaded.begun)))]
        for number, one in owned.items()
        if one.loaded.begun
    }
    sender.send(writes, stop=stop)


def _say_problems(owned: Mapping[int, Owned]) -> None:
    for number, one in sorted(owned.items()):
        for problem in one.loaded.problems:
            log.error("damaged: %s", problem)
        manifest = one.loaded.manifest
        if one.loaded.problems and manifest is not None:
            log.error(
                "partition %d goes on from the snapshot before it: epoch %d, generation %d",
                number, manifest.epoch, manifest.generation,
            )  # fmt: skip


def _contested(left: Mapping[int, Pile], owner: str) -> StopWorkerError:
    number, pile = min(left.items())
    rival = next(one.claim.owner for one in reversed(pile.claims) if one.claim.owner != owner)
    return StopWorkerError(
        f"{pile.topic}/{number}: claimed {ATTEMPTS} times by us ({owner}) and as often by another worker ({rival}). "
        "Two groups work on the same topics, or two workers have one CHURN_INSTANCE_ID: give each deployment a "
        "CHURN_PREFIX and each worker a name of its own",
        EXIT_SETUP,
    )
