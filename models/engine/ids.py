"""Event ids seen: the same id of a customer within some days of event time is a duplicate, or a conflict.

An id is known by 64 bits of a hash over feed, customer and id. Ids of open days are in a dict; once their day is closed
they are sorted arrays, asked for a whole frame at once.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Seen = Literal["new", "duplicate", "conflict"]

_MASK: Final = (1 << 64) - 1
_ROW: Final = 0x9E3779B97F4A7C15
_FEED: Final = 0xC2B2AE3D27D4EB4F
_LONGEST: Final = 1 << 12
_WEIGHTS: Final[Keys] = np.random.default_rng(20_000).integers(0, 1 << 64, _LONGEST, np.uint64) | np.uint64(1)
"""An odd multiplier for each byte of an id: fixed, because hashes are kept."""
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_HALF: Final = np.uint64(32)


def hashes(ids: Sequence[str]) -> Keys:
    """64 bits for each id, by a multilinear hash over its bytes.

    >>> one, other, again = hashes(["a-1", "a-2", "a-1"]).tolist()
    >>> one == again, one == other
    (True, False)
    """
    data = np.frombuffer(("\x00".join(ids) + "\x00").encode(), np.uint8)
    ends = np.flatnonzero(data == 0)
    if len(ends) != len(ids):  # an id with a zero byte in it
        return np.concatenate([hashes([name.replace("\x00", "\x01")]) for name in ids])
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    places = np.arange(len(data)) - np.repeat(starts, lengths)
    found: Keys = np.add.reduceat((data.astype(np.uint64) + np.uint64(1)) * _WEIGHTS[places % _LONGEST], starts)
    found = (found ^ (found >> _HALF)) * _MIX
    return found ^ (found >> _HALF)


def key_of(hashed: int, feed: int, row: int) -> int:
    """The key of an id of one customer in one feed."""
    return (hashed + feed * _FEED + row * _ROW) & _MASK


def keys_of(hashed: Keys, feeds: NDArray[Any], rows: NDArray[Any]) -> Keys:
    """The same for many."""
    found: Keys = hashed + feeds.astype(np.uint64) * np.uint64(_FEED) + rows.astype(np.uint64) * np.uint64(_ROW)
    return found


class SeenIds:
    """Keys with the day and the fingerprint of their event. `days`: how far apart in event time two are compared."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._recent: dict[int, list[tuple[int, int]]] = {}
        self._open: dict[int, list[int]] = {}
        """Keys by the day of their event, of days not yet put away."""
        self._keys: Keys = np.empty(0, np.uint64)
        self._closed_days: NDArray[np.int32] = np.empty(0, np.int32)
        self._fingerprints: NDArray[np.uint32] = np.empty(0, np.uint32)

    def add(self, key: int, day: int, fingerprint: int) -> Seen:
        """Note an event's id, and say whether it was seen before."""
        known, closed = self._recent.get(key), self._closed(key)
        if known is not None or closed:
            for seen_day, seen_fingerprint in (*(known or ()), *closed):
                if abs(seen_day - day) < self._days:
                    return "duplicate" if seen_fingerprint == fingerprint else "conflict"
        if known is None:
            self._recent[key] = [(day, fingerprint)]
        else:
            known.append((day, fingerprint))
        keys = self._open.get(day)
        if keys is None:
            keys = self._open[day] = []
        keys.append(key)
        return "new"

    def _closed(self, key: int) -> list[tuple[int, int]]:
        first = int(np.searchsorted(self._keys, np.uint64(key), side="left"))
        high = int(np.searchsorted(self._keys, np.uint64(key), side="right"))
        return list(zip(self._closed_days[first:high].tolist(), self._fingerprints[first:high].tolist(), strict=True))

    def put_away(self, boundary: int) -> None:
        """Between frames: ids of closed days become arrays, those too old to be asked for are forgotten."""
        closed = [day for day in self._open if day < boundary]
        oldest = boundary - self._days
        if not closed:
            return
        keys: list[int] = []
        days: list[int] = []
        fingerprints: list[int] = []
        for day in closed:
            for key in self._open.pop(day):
                entries = self._recent.pop(key, ())
                for seen_day, fingerprint in entries:
                    if seen_day == day and day >= oldest:
                        keys.append(key)
                        days.append(day)
                        fingerprints.append(fingerprint)
                if rest := [entry for entry in entries if entry[0] != day]:
                    self._recent[key] = rest
        kept = self._closed_days >= oldest
        merged = np.concatenate((self._keys[kept], np.array(keys, np.uint64)))
        order = np.argsort(merged, kind="stable")
        self._keys = merged[order]
        self._closed_days = np.concatenate((self._closed_days[kept], np.array(days, np.int32)))[order]
        self._fingerprints = np.concatenate((self._fingerprints[kept], np.array(fingerprints, np.uint32)))[order]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        open_ = [(key, day, print_) for key, entries in self._recent.items() for day, print_ in entries]
        return {
            "keys": np.concatenate((self._keys, np.array([key for key, _, _ in open_], np.uint64))),
            "days": np.concatenate((self._closed_days, np.array([day for _, day, _ in open_], np.int32))),
            "fingerprints": np.concatenate((self._fingerprints, np.array([one for _, _, one in open_], np.uint32))),
        }

    def set_arrays(self, arrays: dict[str, NDArray[Any]], boundary: int) -> None:
        """Take over what `to_arrays` gave as of a boundary."""
        is_open = arrays["days"] >= boundary
        order = np.argsort(arrays["keys"][~is_open], kind="stable")
        self._keys, self._closed_days, self._fingerprints = (
            arrays[name][~is_open][order] for name in ("keys", "days", "fingerprints")
        )
        for key, day, fingerprint in zip(
            *(arrays[name][is_open].tolist() for name in ("keys", "days", "fingerprints")), strict=True
        ):
            self._recent.setdefault(key, []).append((day, fingerprint))
            self._open.setdefault(day, []).append(key)
