"""Event files read for a replay: far larger than memory would hold as events, and gone through more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Final

import cramjam
import msgspec

from schemas.event import DATA_OF, Event, EventData
from streams.files.history import History, Rejects, moved_by, order_of, read_into, with_mappings
from streams.files.mapping import Mapping as TableMapping
from streams.files.reading import Check, EventFile

_RUN: Final = 50_000
"""Events that are sorted together."""
_BLOCK: Final = 500
"""Events that are compressed together."""
_LEVEL: Final = 1

Stored = tuple[int, int, int, str, str, str, int, bool, bytes]
"""An event: time, feed and place, by which they are sorted; then its other fields, its data packed."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Stored]).decode
_DATA: Final[Sequence[Callable[[bytes], EventData]]] = [msgspec.msgpack.Decoder(kind).decode for kind in DATA_OF]


class Runs:
    """Events in compressed blocks, about 40 bytes each; they come out in the order of time, again and again.

    They are sorted in runs as they come in, and merged as they go out: of each run one block is unpacked then. A
    history that is in order is a single run.
    """

    def __init__(self) -> None:
        self._runs: list[list[bytes]] = []
        self._gathered: list[Stored] = []
        self._newest = (-1, 0, 0)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, event: Stored) -> None:
        """Take an event in."""
        self._size += 1
        self._gathered.append(event)
        if len(self._gathered) >= _RUN:
            self.put_away()

    def put_away(self) -> None:
        """Pack what was gathered; from then on, until more is added, nothing here changes any more."""
        events, self._gathered = sorted(self._gathered, key=order_of), []
        if not events:
            return
        if not self._runs or order_of(events[0]) < self._newest:
            self._runs.append([])
        self._newest = order_of(events[-1])
        for first in range(0, len(events), _BLOCK):
            packed = _pack(events[first : first + _BLOCK])
            self._runs[-1].append(bytes(cramjam.zstd.compress(packed, level=_LEVEL)))

    def __iter__(self) -> Iterator[Stored]:
        self.put_away()
        runs = [_unpacked(run) for run in self._runs]
        return runs[0] if len(runs) == 1 else merge(*runs, key=order_of)


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
        for time_ms, feed, _, event_id, customer_id, source, fingerprint, is_derived, data in self.runs:
            event = Event(
                feed, event_id, customer_id, time_ms, _DATA[feed](data), source, fingerprint, id_derived=is_derived
            )
            yield moved_by(event, days) if days else event


class Replayed:
    """The events of a history, as often as asked for, some days later, without those whose ids are excluded."""

    def __init__(self, history: PackedHistory, shift_days: int, excluded: set[str]) -> None:
        self.history, self._shift_days, self._excluded = history, shift_days, excluded
        self.left_out: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.history.runs)

    def of(self, history: PackedHistory) -> Replayed:
        """The same of another history."""
        return Replayed(history, self._shift_days, self._excluded)

    def __iter__(self) -> Iterator[Event]:
        self.left_out = Counter()
        for event in self.history.replayed(self._shift_days):
            if event.id in self._excluded:
                self.left_out[event.id] += 1
            else:
                yield event

    def strangers(self) -> list[str]:
        """A sentence if no event has an id of the list: a slip of the pen would leave out nothing, silently."""
        strange = sorted(self._excluded - self.left_out.keys())
        named = ", ".join(repr(one[:100]) for one in strange[:5]) + (", …" if len(strange) > 5 else "")
        return [f"no event has the id {named}"] if strange else []


def stored(event: Event, place: int) -> Stored:
    """An event as it is kept; `place` orders those of one feed and instant."""
    return (
        event.time_ms, event.feed, place, event.id, event.customer_id, event.source, event.fingerprint,
        event.id_derived, _pack(event.data),
    )  # fmt: skip


def read_packed(
    files: Sequence[Path | EventFile],
    mapping: TableMapping | None = None,
    check: Check | None = None,
    *,
    rejects: Rejects | None = None,
) -> PackedHistory:
    """As `read_history`, for files of any size. Raises SetupError."""
    sources = with_mappings(files, mapping)
    history = PackedHistory(tuple(source.path for source in sources), [], [])

    def keep(event: Event, place: int, _value: bytes | None) -> None:
        history.heard.add(event.feed)
        history.runs.add(stored(event, place))

    read_into(keep, history, sources, rejects=rejects, check=check)
    history.runs.put_away()
    return history
