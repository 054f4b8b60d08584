"""Event ids seen: the same id of a customer within some days of event time is a duplicate, or a conflict.

An id is known by 64 bits of a hash over feed, customer and id. Ids of open days are in a dict; once their day is closed
they are sorted arrays, asked for a whole frame at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Seen = Literal["new", "duplicate", "conflict"]

_MASK: Final = (1 << 64) - 1
_DAY_SHIFT: Final = 32
_PRINT: Final = (1 << _DAY_SHIFT) - 1
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
        self._recent: dict[int, int] = {}
        """By key, day and fingerprint in one number, of days that were open when the frame began."""
        self._again: dict[int, list[int]] = {}
        """The same for ids that came once more, too far apart to be compared."""
        self._open: dict[int, list[int]] = {}
        """The keys of `_recent` by day."""
        self._keys: Keys = np.empty(0, np.uint64)
        self._packed: NDArray[np.int64] = np.empty(0, np.int64)

    def find(self, keys: Keys) -> list[bool]:
        """Which keys stand among those of closed days."""
        if not len(self._keys):
            return [False] * len(keys)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found: list[bool] = (self._keys[places] == keys).tolist()
        return found

    def add(self, key: int, day: int, fingerprint: int, boundary: int, *, is_found: bool) -> Seen:
        """Note an event's id, and say whether it was seen before. `is_found`: among those of closed days.

        What is too old to be asked for as of the boundary is not seen, forgotten or not: frames make no difference.
        """
        packed = day << _DAY_SHIFT | fingerprint
        if is_found or key in self._recent:
            oldest = self._oldest(boundary)
            for known in self._known(key):
                if oldest <= known >> _DAY_SHIFT and abs((known >> _DAY_SHIFT) - day) < self._days:
                    return "duplicate" if known & _PRINT == fingerprint else "conflict"
            if key in self._recent:
                self._again.setdefault(key, []).append(packed)
                return "new"
        self._recent[key] = packed
        keys = self._open.get(day)
        if keys is None:
            keys = self._open[day] = []
        keys.append(key)
        return "new"

    def _known(self, key: int) -> Iterator[int]:
        if key in self._recent:
            yield self._recent[key]
        yield from self._again.get(key, ())
        first, last = self._keys.searchsorted(np.uint64(key)), self._keys.searchsorted(np.uint64(key), side="right")
        yield from self._packed[first:last].tolist()

    def put_away(self, boundary: int) -> None:
        """Between frames: ids of closed days become arrays, those too old to be asked for are forgotten."""
        closed = [day for day in self._open if day < boundary]
        if not closed:
            return
        keys = [key for day in closed for key in self._open.pop(day)]
        packed = [self._recent.pop(key) for key in keys]
        for key, more in list(self._again.items()):
            over = [one for one in more if one >> _DAY_SHIFT < boundary]
            keys += [key] * len(over)
            packed += over
            self._again[key] = [one for one in more if one >> _DAY_SHIFT >= boundary]
            if not self._again[key]:
                del self._again[key]
        self._merge(np.array(keys, np.uint64), np.array(packed, np.int64), boundary)

    def _merge(self, keys: Keys, packed: NDArray[np.int64], boundary: int) -> None:
        """Add ids of closed days, but those too old to be asked for."""
        oldest = self._oldest(boundary)
        keys, packed = np.concatenate((self._keys, keys)), np.concatenate((self._packed, packed))
        kept = packed >> _DAY_SHIFT >= oldest
        keys, packed = keys[kept], packed[kept]
        order = np.argsort(keys, kind="stable")
        self._keys, self._packed = keys[order], packed[order]

    def _oldest(self, boundary: int) -> int:
        """A late event is compared with ids as much older than it as it is late at most."""
        return boundary - 2 * self._days + 1

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        more = [(key, one) for key, packed in self._again.items() for one in packed]
        keys = [*self._recent, *(key for key, _ in more)]
        packed = [*self._recent.values(), *(one for _, one in more)]
        return {
            "keys": np.concatenate((self._keys, np.array(keys, np.uint64))),
            "packed": np.concatenate((self._packed, np.array(packed, np.int64))),
        }

    def set_arrays(self, arrays: dict[str, NDArray[Any]], boundary: int) -> None:
        """Take over what `to_arrays` gave as of a boundary."""
        keys, packed = arrays["keys"], arrays["packed"]
        is_open = packed >> _DAY_SHIFT >= boundary
        self._merge(keys[~is_open], packed[~is_open], boundary)
        for key, one in zip(keys[is_open].tolist(), packed[is_open].tolist(), strict=True):
            self.add(key, one >> _DAY_SHIFT, one & _PRINT, boundary, is_found=False)
