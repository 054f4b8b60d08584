"""Event ids seen: the same id of a customer within some days of event time is a duplicate, or a conflict.

An id is known by 64 bits of a hash over feed, customer and id. Ids of open days are in a dict; once their day is closed
they are sorted arrays, asked for a whole frame at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Bools

Keys = NDArray[np.uint64]
Seen = Literal["new", "duplicate", "conflict"]

DAY_SHIFT: Final = 32
"""Of the day in a number that holds the fingerprint as well."""
_PRINT: Final = (1 << DAY_SHIFT) - 1
_ROW: Final = 0x9E3779B97F4A7C15
_FEED: Final = 0xC2B2AE3D27D4EB4F
_LONGEST: Final = 1 << 12
_ZERO: Final = b"\xc0\x80"
"""Stands for a zero byte, which ends an id, as in Java: no text has these bytes in UTF-8."""
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_HALF: Final = np.uint64(32)


def _odd_numbers(count: int) -> Keys:
    """Multipliers, one for each byte of an id, by SplitMix64 (Steele, Lea, Flood 2014): hashes are kept for days."""
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_ROW)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Keys = (state ^ (state >> np.uint64(31))) | np.uint64(1)
    return found


_WEIGHTS: Final = _odd_numbers(_LONGEST)


def hashes(ids: Sequence[str]) -> Keys:
    """64 bits for each id, by a multilinear hash over its bytes.

    >>> one, other, again = hashes(["a-1", "a-2", "a-1"]).tolist()
    >>> one == again, one == other
    (True, False)
    """
    data = np.frombuffer(("\x00".join(ids) + "\x00").encode(), np.uint8)
    ends = np.flatnonzero(data == 0)
    if len(ends) != len(ids):  # an id with a zero byte in it
        data = np.frombuffer(b"".join(name.encode().replace(b"\0", _ZERO) + b"\0" for name in ids), np.uint8)
        ends = np.flatnonzero(data == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    length = int(ends[0]) + 1
    if len(data) == length * len(ids) and (ends - starts == length - 1).all():  # as long as each other, as most are
        found: Keys = data.reshape(-1, length).astype(np.uint64) @ _weights(length) + _weights(length).sum()
    else:
        places = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
        found = np.add.reduceat((data.astype(np.uint64) + np.uint64(1)) * _WEIGHTS[places % _LONGEST], starts)
    found = (found ^ (found >> _HALF)) * _MIX
    return found ^ (found >> _HALF)


def _weights(length: int) -> Keys:
    return _WEIGHTS[np.arange(length) % _LONGEST]


def keys_of(hashed: Keys, feeds: NDArray[Any], rows: NDArray[Any]) -> Keys:
    """The key of each id, of its customer and feed."""
    found: Keys = hashed + feeds.astype(np.uint64) * np.uint64(_FEED) + rows.astype(np.uint64) * np.uint64(_ROW)
    return found


class SeenIds:
    """Keys with the day and the fingerprint of their event. `days`: how far apart in event time two are compared."""

    def __init__(self, days: int) -> None:
        self._days = days
        self.recent: dict[int, int] = {}
        """By key, day and fingerprint in one number: of open days, and what came since others were put away."""
        self._again: dict[int, list[int]] = {}
        """The same for ids that came once more, too far apart to be compared."""
        self._boundary = -1
        self._keys: Keys = np.empty(0, np.uint64)
        self._packed: NDArray[np.int64] = np.empty(0, np.int64)

    def find(self, keys: Keys) -> Bools:
        """Which keys stand among those of closed days."""
        if not len(self._keys):
            return np.zeros(len(keys), np.bool_)
        places = np.minimum(self._keys.searchsorted(keys), len(self._keys) - 1)
        found: Bools = self._keys[places] == keys
        return found

    def add(self, key: int, day: int, fingerprint: int, boundary: int, *, is_found: bool) -> Seen:
        """Note an event's id, and say whether it was seen before. `is_found`: among those of closed days.

        What is too old to be asked for as of the boundary is not seen, forgotten or not: frames make no difference.
        """
        packed = day << DAY_SHIFT | fingerprint
        if is_found or key in self.recent:
            oldest = self._oldest(boundary)
            for known in self._known(key):
                if oldest <= known >> DAY_SHIFT and abs((known >> DAY_SHIFT) - day) < self._days:
                    return "duplicate" if known & _PRINT == fingerprint else "conflict"
            if key in self.recent:
                self._again.setdefault(key, []).append(packed)
                return "new"
        self.recent[key] = packed
        return "new"

    def _known(self, key: int) -> Iterator[int]:
        if key in self.recent:
            yield self.recent[key]
        yield from self._again.get(key, ())
        first, last = self._keys.searchsorted(np.uint64(key)), self._keys.searchsorted(np.uint64(key), side="right")
        yield from self._packed[first:last].tolist()

    def put_away(self, boundary: int) -> None:
        """Between parts of a frame: ids of closed days become arrays, those too old to be asked for are forgotten."""
        if boundary <= self._boundary:
            return
        self._boundary = boundary
        keys, packed = self._recent_arrays()
        is_over = packed >> DAY_SHIFT < boundary
        self._merge(keys[is_over], packed[is_over], boundary)
        self.recent, self._again = {}, {}
        for key, one in zip(keys[~is_over].tolist(), packed[~is_over].tolist(), strict=True):
            if self.recent.setdefault(key, one) != one:
                self._again.setdefault(key, []).append(one)

    def _recent_arrays(self) -> tuple[Keys, NDArray[np.int64]]:
        """What is not put away, as keys and numbers."""
        more = [(key, one) for key, packed in self._again.items() for one in packed]
        keys = np.fromiter((*self.recent, *(key for key, _ in more)), np.uint64)
        return keys, np.fromiter((*self.recent.values(), *(one for _, one in more)), np.int64)

    def _merge(self, keys: Keys, packed: NDArray[np.int64], boundary: int) -> None:
        """Add ids of closed days, but those too old to be asked for."""
        oldest = self._oldest(boundary)
        kept = self._packed >> DAY_SHIFT >= oldest
        self._keys, self._packed = self._keys[kept], self._packed[kept]
        order = keys.argsort(kind="stable")
        keys, packed = keys[order], packed[order]
        at = self._keys.searchsorted(keys, side="right")
        self._keys, self._packed = np.insert(self._keys, at, keys), np.insert(self._packed, at, packed)

    def _oldest(self, boundary: int) -> int:
        """A late event is compared with ids as much older than it as it is late at most."""
        return boundary - 2 * self._days + 1

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name: what is put away as it is, as it is only ever replaced."""
        keys, packed = self._recent_arrays()
        return {"keys": self._keys, "packed": self._packed, "recent_keys": keys, "recent_packed": packed}

    def set_arrays(self, arrays: dict[str, NDArray[Any]], boundary: int) -> None:
        """Take over what `to_arrays` gave as of a boundary."""
        self._boundary, self._keys, self._packed = boundary, arrays["keys"], arrays["packed"]
        for key, one in zip(arrays["recent_keys"].tolist(), arrays["recent_packed"].tolist(), strict=True):
            self.add(key, one >> DAY_SHIFT, one & _PRINT, boundary, is_found=False)
