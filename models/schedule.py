"""The schedule of reviews: who is due at which boundary. Never a scan of all customers."""

from collections.abc import Iterator
from heapq import heappop, heappush


class Schedule:
    """Keys by the boundary at which they are due. A key may stand at several: the record says which counts."""

    def __init__(self) -> None:
        self._keys: dict[int, list[bytes]] = {}
        self._boundaries: list[int] = []

    def add(self, key: bytes, boundary: int) -> None:
        """Put a key on a boundary."""
        keys = self._keys.get(boundary)
        if keys is None:
            self._keys[boundary] = [key]
            heappush(self._boundaries, boundary)
        else:
            keys.append(key)

    def due(self, until: int) -> Iterator[tuple[int, list[bytes]]]:
        """Take out the boundaries up to and with `until` in order, each with its keys; more may be added behind it."""
        while self._boundaries and self._boundaries[0] <= until:
            boundary = heappop(self._boundaries)
            yield boundary, self._keys.pop(boundary)

    def clear(self) -> None:
        """Forget everything."""
        self._keys.clear()
        self._boundaries.clear()
