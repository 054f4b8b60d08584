"""Taking partitions over: read, claim a higher epoch, read what came before the claim, give way to who was first."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.errors import EXIT_SETUP
from streams.kafka.log_reader import Progress, reader
from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.load import Loaded, Pile, PlacedClaim, fill
from streams.transport.snapshots.records import Begun, Claim, Key, Pinned, to_key, to_value
from streams.transport.snapshots.sender import Sender, Writes

ATTEMPTS: Final = 5
"""How often one gives way. Two that start at once are apart after the first; more means that others keep claiming."""

MOST_TURNS: Final = 5
"""How often a partition may come back from one and the same other worker before we believe that there are two of us."""

TURN_WITHIN_S: Final = 6.0
"""A turn that takes longer is a rebalance: a session's length, which members that are paused need at least."""

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
        number: [
            *((to_key(key), to_value(Pinned(name, one.loaded.models[name]))) for name, key in pins_of(one).items()),
            (to_key(Key("begun", one.epoch)), to_value(begun_of(one, owner))),
        ]
        for number, one in owned.items()
        if one.loaded.begun
    }
    sender.send(writes, stop=stop)


def begun_of(owned: Owned, owner: str) -> Begun:
    """What was begun since the snapshot, under our epoch."""
    passed = owned.loaded.begun
    named = {one.catalogue for one in passed}
    if owned.loaded.manifest is not None:
        named -= {owned.loaded.manifest.catalogue}
    return Begun(owned.epoch, owner, passed, {n: text for n, text in owned.loaded.rules.items() if n in named})


def pins_of(owned: Owned) -> dict[str, Key]:
    """Under which keys of our epoch the versions lie that judged what was begun."""
    found: dict[str, Key] = {}
    for passed in owned.loaded.begun:
        if passed.model is not None and passed.model in owned.loaded.models:
            found.setdefault(passed.model, Key("model", owned.epoch, passed.boundary))
    return found


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


class Contest:
    """Notices another process that takes the same partitions again and again, as two of one CHURN_INSTANCE_ID do.

    The group gives such a pair what it owns in turn, a second each. Of the two, the one of the lower token gives up
    first, so that the other can go on.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._turns: deque[float] = deque(maxlen=3 * MOST_TURNS)

    def check(self, owned: Iterable[Owned], now_s: float) -> None:
        """Look at partitions just taken over. Raises StopWorkerError."""
        taken = [(one.loaded, _rival_between(one.loaded.claims, self._owner)) for one in owned]
        rivals = [(loaded, rival) for loaded, rival in taken if rival is not None]
        if not rivals:
            return
        self._turns.append(now_s)
        loaded, rival = rivals[0]
        most = MOST_TURNS if self._owner < rival else 3 * MOST_TURNS
        if len(self._turns) >= most and now_s - self._turns[-most] < most * TURN_WITHIN_S:
            raise StopWorkerError(
                f"{loaded.topic}/{loaded.partition}: taken {most} times in a row by us ({self._owner}) and in between "
                f"by the same other worker ({rival}). Two workers have one CHURN_INSTANCE_ID, or something pauses them "
                "again and again: give each worker a name of its own",
                EXIT_SETUP,
            )


def _rival_between(claims: Sequence[PlacedClaim], owner: str) -> str | None:
    """Who claimed between our last two claims; None where we have claimed once, or nobody did between."""
    owners = [one.claim.owner for one in claims]
    mine = [place for place, name in enumerate(owners) if name == owner]
    between = owners[mine[-2] + 1 : mine[-1]] if len(mine) > 1 else []
    return between[-1] if between else None
