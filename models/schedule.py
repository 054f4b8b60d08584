"""The schedule of reviews: who is due at which boundary. Never a scan of all customers."""

from collections.abc import Iterable
from heapq import heappop, heappush

from models.customer import NEVER


class Schedule:
    """Keys by the boundary at which they are due. A key may stand at several: the record says which counts."""

    def __init__(self) -> None:
        self._keys: dict[int, list[bytes]] = {}
        self._boundaries: list[int] = []

    def add(self, key: bytes, boundary: int) -> None:
        """Put a key on a boundary."""
        self._at(boundary).append(key)

    def add_all(self, keys: Iterable[bytes], boundary: int) -> None:
        """Put many keys on a boundary at once."""
        self._at(boundary).extend(keys)

    def _at(self, boundary: int) -> list[bytes]:
        keys = self._keys.get(boundary)
        if keys is None:
            keys = self._keys[boundary] = []
            heappush(self._boundaries, boundary)
        return keys

    @property
    def first(self) -> int:
        """The first boundary at which anybody stands, NEVER when there is none."""
        return self._boundaries[0] if self._boundaries else NEVER

    def waiting(self, until: int) -> int:
        """How many keys stand at boundaries up to and with `until`; some may have moved on."""
        return sum(len(keys) for boundary, keys in self._keys.items() if boundary <= until)

    def take(self, until: int, most: int) -> tuple[int, list[bytes]] | None:
        """Take out keys of the first boundary up to and with `until`, at most so many; None when there are none."""
        boundary = self.first
        if boundary > until:
            return None
        keys = self._keys[boundary]
        if len(keys) > most:
            self._keys[boundary] = keys[most:]
            return boundary, keys[:most]
        heappop(self._boundaries)
        return boundary, self._keys.pop(boundary)

    def clear(self) -> None:
        """Forget everything."""
        self._keys.clear()
        self._boundaries.clear()
