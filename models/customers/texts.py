"""Short texts, one behind the other in one array: a text costs its bytes and four more."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Bools, Growing, Ints, Rows

_WORD: Final = 8
"""Bytes that are compared at once."""
_LAST_BYTES: Final = np.array([0, *[-1 << 8 * (_WORD - count) for count in range(1, _WORD + 1)]], np.int64)
"""By count, the last bytes of a word, where the first is the lowest."""


class Texts:
    """Texts by place, in UTF-8.

    >>> texts = Texts.of(["one", "another"])
    >>> texts.append(Texts.of(["third"]))
    >>> texts.listed([2, 0]), texts.same(np.array([1, 0]), Texts.of(["another", "own"])).tolist()
    (['third', 'one'], [True, False])
    """

    __slots__ = ("_bytes", "_ends")

    def __init__(self, data: NDArray[np.uint8], ends: Ints) -> None:
        """`data`: a word that is no text's, so that one can be read before every end; then the texts."""
        self._bytes, self._ends = Growing(np.uint8, data), Growing(ends.dtype, ends)

    @classmethod
    def none(cls) -> Self:
        """No text."""
        return cls(np.zeros(_WORD, np.uint8), np.array([_WORD], np.int32))

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """These texts."""
        joined = "".join(("\0" * _WORD, *texts))
        parts = texts if joined.isascii() else [text.encode() for text in texts]
        ends = np.fromiter((_WORD, *map(len, parts)), np.int64, len(texts) + 1)
        return cls(np.frombuffer(joined.encode(), np.uint8), np.cumsum(ends, out=ends))

    def __len__(self) -> int:
        return self._ends.size - 1

    def append(self, others: Self) -> None:
        """Add texts at the end."""
        self._ends.append(others._ends.array[1:].astype(np.int64) + (self._bytes.size - _WORD))
        self._bytes.append(others._bytes.array[_WORD:])

    def without(self, places: Rows) -> Self:
        """The same with nothing at some places."""
        ends = self._ends.array
        lengths = np.diff(ends)
        is_kept = np.ones(len(lengths), np.bool_)
        is_kept[places] = False
        data = self._bytes.array
        kept = np.concatenate((data[:_WORD], data[_WORD:][is_kept.repeat(lengths)]))
        return type(self)(kept, np.cumsum(np.concatenate(([_WORD], lengths * is_kept))).astype(ends.dtype))

    @property
    def lengths(self) -> Ints:
        """Bytes of each."""
        found: Ints = np.diff(self._ends.array)
        return found

    def is_empty(self, places: Rows) -> Bools:
        """Which places hold nothing."""
        ends = self._ends.array
        found: Bools = ends[places + 1] == ends[places]
        return found

    def encoded(self, place: int) -> bytes:
        """The bytes of one text."""
        ends = self._ends.array
        return self._bytes.array[ends.item(place) : ends.item(place + 1)].tobytes()

    def listed(self, places: Sequence[int] | Ints) -> list[str]:
        """Some texts."""
        ends, data = self._ends.array, self._bytes.array.data
        chosen = np.asarray(places, np.intp)
        spans = zip(ends[chosen].tolist(), ends[chosen + 1].tolist(), strict=True)
        return [str(data[first:end], "utf-8") for first, end in spans]

    def since(self, place: int) -> list[str]:
        """The texts from a place on."""
        ends = (self._ends.array[place:] - self._ends.array[place]).tolist()
        data = self._bytes.array[self._ends.array[place] :].tobytes()
        if data.isascii():
            text = data.decode()
            return [text[first:end] for first, end in pairwise(ends)]
        return [data[first:end].decode() for first, end in pairwise(ends)]

    def same(self, places: Rows, others: "Texts") -> Bools:
        """Which of the others stand at these places, one each. Texts are compared from their ends, a word a time."""
        ours, theirs = self._words(), others._words()  # noqa: SLF001 - the same class
        ends, other_ends = self._ends.array, others._ends.array  # noqa: SLF001 - the same class
        end, other, rest = ends[places + 1], other_ends[1:], np.diff(other_ends)
        found: Bools = end - ends[places] == rest
        left = (found & (rest > 0)).nonzero()[0]
        end, other, rest = end[left], other[left], rest[left]
        while len(left):
            unlike = (ours[end - _WORD] ^ theirs[other - _WORD]) & _LAST_BYTES[np.minimum(rest, _WORD)] != 0
            found[left[unlike]] = False
            goes_on = (~unlike & (rest > _WORD)).nonzero()[0]
            left, rest = left[goes_on], rest[goes_on] - _WORD
            end, other = end[goes_on] - _WORD, other[goes_on] - _WORD
        return found

    def _words(self) -> NDArray[np.int64]:
        """The word that begins at each byte."""
        data = self._bytes.array
        return np.ndarray(len(data) - _WORD + 1, "<i8", data, strides=(1,))

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._bytes.array.nbytes + self._ends.array.nbytes

    # -- as a snapshot keeps them

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name: as it is, since texts are only added."""
        return {"bytes": self._bytes.array, "ends": self._ends.array}
