"""Event files read for a replay: far larger than memory would hold as events, and gone through more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Final

import cramjam
import msgspec

from schemas.codec import decode_again
from schemas.errors import RejectedError
from schemas.event import Event
from streams.history import History, moved_by, read_into
from streams.tables import Mapping as TableMapping

_RUN: Final = 50_000
"""Events that are sorted together."""
_BLOCK: Final = 500
"""Events that are compressed together."""
_LEVEL: Final = 1

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[int, int, int, bytes]]).decode

Stored = tuple[int, int, int, bytes]
"""Time, feed, place, value: as `HistoryEvent`, and sorted as that."""


class Runs:
    """Events in compressed blocks, about 40 bytes each; they come out in the order of time, again and again.

    They are sorted in runs as they come in, and merged as they go out: of each run one block is unpacked then. A
    history that is in order is a single run.
    """

    def __init__(self) -> None:
        self._runs: list[list[bytes]] = []
        self._gathered: list[Stored] = []
        self._newest = (-1, 0, 0, b"")
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, event: Stored) -> None:
        """Take an event in."""
        self._size += 1
        self._gathered.append(event)
        if len(self._gathered) >= _RUN:
            self._put_away()

    def _put_away(self) -> None:
        events, self._gathered = sorted(self._gathered), []
        if not events:
            return
        if not self._runs or events[0] < self._newest:
            self._runs.append([])
        self._newest = events[-1]
        for first in range(0, len(events), _BLOCK):
            packed = _pack(events[first : first + _BLOCK])
            self._runs[-1].append(bytes(cramjam.zstd.compress(packed, level=_LEVEL)))

    def __iter__(self) -> Iterator[Stored]:
        self._put_away()
        runs = [_unpacked(run) for run in self._runs]
        return runs[0] if len(runs) == 1 else merge(*runs)


def _unpacked(run: list[bytes]) -> Iterator[Stored]:
    for block in run:
        yield from _unpack(cramjam.zstd.decompress(block))


@dataclass(frozen=True, slots=True)
class PackedHistory(History):
    """A history whose events are in `runs` alone."""

    runs: Runs = field(default_factory=Runs)
    heard: set[int] = field(default_factory=set)

    @property
    def feeds(self) -> set[int]:
        """The feeds that have an event here."""
        return self.heard

    def replayed(self, days: int = 0) -> Iterator[Event]:
        """The events in order, some whole days later."""
        for _, feed, _, value in self.runs:
            event = decode_again(feed, value)
            yield moved_by(event, days) if days else event


def read_packed(
    files: Sequence[Path], mapping: TableMapping | None = None, check: Callable[[int], None] = lambda _: None
) -> PackedHistory:
    """As `read_history`, for files of any size. Raises SetupError.

    `check`: raises RejectedError for an event time for which the event is a bad line.
    """
    history = PackedHistory(tuple(files), [], [])

    def keep(event: Event, place: int, value: bytes) -> None:
        try:
            check(event.time_ms)
        except RejectedError as error:
            history.bad.append(history.bad_line(place, error))
            return
        history.heard.add(event.feed)
        history.runs.add((event.time_ms, event.feed, place, value))

    read_into(keep, history, mapping)
    return history
