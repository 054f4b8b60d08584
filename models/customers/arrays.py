"""Types of arrays, and an array that grows at its end and widens its integers before a value would not fit."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int32]
"""Row numbers of customers, ascending unless said otherwise."""
Selection = slice | Rows
"""Some customers: a range of rows, or rows one by one."""

NO_ROWS: Final[Rows] = np.empty(0, np.int32)
FEW_PLACES: Final = 10_000
"""Above that the slices cost more than a mask."""
_SLACK: Final = 8
"""A full array grows by an eighth: memory stays near what is used, and each element is copied nine times at most."""
_LOW_BITS: Final = 16
_WIDER: Final[dict[np.dtype[Any], np.dtype[Any]]] = {
    np.dtype(np.int8): np.dtype(np.int16),
    np.dtype(np.uint8): np.dtype(np.int16),
    np.dtype(np.int16): np.dtype(np.int32),
    np.dtype(np.int32): np.dtype(np.int64),
}


def holding(kind: np.dtype[Any], least: int, most: int) -> np.dtype[Any]:
    """A type of integers that holds two numbers: `kind` if it does, else the next wider one that does."""
    while kind in _WIDER and not np.iinfo(kind).min <= least <= most <= np.iinfo(kind).max:
        kind = _WIDER[kind]
    return kind


class Growing:
    """An array with room at its end. Integers are kept in the smallest type that has held them so far.

    >>> counts = Growing(np.uint8)
    >>> counts.append(np.array([1, 70_000]))
    >>> counts.array
    array([    1, 70000], dtype=int32)
    """

    __slots__ = ("_data", "size")

    def __init__(self, dtype: DTypeLike, values: NDArray[Any] | None = None) -> None:
        self._data: NDArray[Any] = np.empty(0, dtype) if values is None else values
        self.size = len(self._data)

    @property
    def array(self) -> NDArray[Any]:
        """What was appended: a view, in which later changes do not show."""
        return self._data[: self.size]

    def append(self, values: NDArray[Any]) -> None:
        """Add values at the end."""
        if not len(values):
            return
        size = self.size + len(values)
        if self._data.dtype != object:
            self.widen(values)
        if size > len(self._data):
            grown = np.empty(size + size // _SLACK, self._data.dtype)
            grown[: self.size] = self.array
            self._data = grown
        self._data[self.size : size] = values
        self.size = size

    def widen(self, values: NDArray[Any]) -> None:
        """Take a type in which values fit that are to be added."""
        kind: np.dtype[Any] = self._data.dtype
        if values.dtype != kind:
            self._data = self._data.astype(holding(kind, int(values.min()), int(values.max())), copy=False)

    def drop_front(self, count: int) -> None:
        """Forget the first `count` values."""
        self._data = self._data[count : self.size].copy()
        self.size = len(self._data)


class GrowingRows:
    """Row numbers that grow as other values do, in two parts that take three bytes a number up to 16 million rows.

    >>> numbers = GrowingRows(np.array([7, 70_000], np.int32))
    >>> numbers.append(np.array([20_000_000], np.int32))
    >>> numbers.at(slice(1, None)), numbers.nbytes
    (array([   70000, 20000000], dtype=int32), 12)
    """

    __slots__ = ("_high", "_low")

    def __init__(self, rows: Rows = NO_ROWS) -> None:
        self._low, self._high = Growing(np.uint16), Growing(np.uint8)
        self.append(rows)

    @property
    def size(self) -> int:
        """How many there are."""
        return self._low.size

    def at(self, places: slice | NDArray[np.intp]) -> Rows:
        """Some of them."""
        found: Rows = self._high.array[places].astype(np.int32)
        found <<= _LOW_BITS
        found |= self._low.array[places]
        return found

    def append(self, rows: Rows) -> None:
        """Add numbers at the end."""
        self._low.append(rows.astype(np.uint16))
        self._high.append(rows >> _LOW_BITS)

    def drop_front(self, count: int) -> None:
        """Forget the first `count` numbers."""
        self._low.drop_front(count)
        self._high.drop_front(count)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self._low.array.nbytes + self._high.array.nbytes

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        return {"low": self._low.array, "high": self._high.array}

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        self._low, self._high = (Growing(arrays[name].dtype, arrays[name]) for name in ("low", "high"))


def total_of(values: Ints) -> int:
    """The sum of all, exact even where it is beyond 64 bits.

    >>> total_of(np.full(4, 1 << 62)) == 1 << 64
    True
    """
    wide = values.astype(np.int64)
    return (int((wide >> 32).sum()) << 32) + int((wide & 0xFFFFFFFF).sum())


def without(values: NDArray[Any], places: NDArray[np.intp]) -> NDArray[Any]:
    """The values but those at some places, ascending. Few are left out by copying what lies between: at memory's speed.

    >>> without(np.arange(5), np.array([0, 3])).tolist()
    [1, 2, 4]
    """
    if len(places) > FEW_PLACES:
        return np.delete(values, places)
    ends = [*places.tolist(), len(values)]
    return np.concatenate([values[first:end] for first, end in zip([0, *[at + 1 for at in ends]], ends, strict=False)])


def among(rows: Rows, others: Rows) -> Bools:
    """Which rows stand among others; both ascending, and of the same type: another would be converted first."""
    if not len(others):
        return np.zeros(len(rows), np.bool_)
    places = others.searchsorted(rows)
    np.minimum(places, len(others) - 1, out=places)
    found: Bools = others[places] == rows
    return found


def grown(array: NDArray[Any], capacity: int, fill: Any) -> NDArray[Any]:
    """The array in a larger one, the rest filled."""
    larger = np.full(capacity, fill, array.dtype)
    larger[: len(array)] = array
    return larger
