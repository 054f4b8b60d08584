"""The bytes of a snapshot: a head in MessagePack, then the columns as they are in memory."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.alerts.answers import Due
from models.alerts.attention.quiet import Word
from models.alerts.retired import KnownSignal
from models.customers.aliases import Aliases
from models.customers.outages import FeedState
from models.engine.ledger import Ledger
from schemas.suppressed import Rule

Arrays = Mapping[str, NDArray[Any]]

SNAPSHOT_FORMAT: Final = 13
"""Of the bytes. A program reads no other."""
_LENGTH_BYTES: Final = 8
"""Of the length of the head, before it."""


class SnapshotError(Exception):
    """A snapshot that this deployment cannot go on from: what about it, what it holds, and what to do."""

    def __init__(self, thing: str, value: str, remedy: str) -> None:
        super().__init__(f"{thing}: {value}. {remedy}")
        self.thing, self.value, self.remedy = thing, value, remedy

    def __reduce__(self) -> tuple[type["SnapshotError"], tuple[str, str, str]]:
        return type(self), (self.thing, self.value, self.remedy)


class Head(msgspec.Struct):
    """Everything that is not an array. Alerts are by signal."""

    format: int
    zone: str
    catalogue: str
    alerts_from_ms: int
    channel_names: list[str]
    highs: list[int]
    passed: int
    closed: int
    ledger: Ledger
    versions: list[str]
    open_days: dict[int, list[Any]]
    late_days: dict[int, list[Any]]
    late_rows: list[int]
    waiting: list[tuple[int, int, list[int]]]
    signals: dict[str, KnownSignal]
    early: dict[str, dict[int, list[int]]]
    corroborated: dict[str, dict[int, tuple[str, ...]]]
    currency: str
    """Of every amount."""
    commands: list[Due] = []
    """Those that wait for their boundary."""
    snoozed: dict[str, dict[int, int]] = {}
    held: dict[str, dict[int, Rule]] = {}
    words: dict[str, list[Word]] = {}
    """What was said of whom, by customer."""
    erased: dict[str, int] = {}
    unswept: list[str] = []
    salt: str = ""
    """A hash of what ids of erased customers are hashed with."""
    contacted: dict[int, int] = {}
    """By row, the boundary at which it was suggested last to contact a customer."""
    outages: list[FeedState] = []
    """By feed."""
    running: dict[str, int | float] = {}
    """The running constants in force, by name."""
    judged_by: list[tuple[int, str]] = []
    """Since which boundary which catalogue judges."""
    aliases: Aliases = msgspec.field(default_factory=Aliases)


class _Array(msgspec.Struct, array_like=True):
    """An array behind the head, or one of texts in it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    texts: list[str] = []


class _Outline(msgspec.Struct):
    """What every format has."""

    format: int


class _Snapshot(msgspec.Struct, array_like=True):
    head: Head
    arrays: list[_Array]


class _Formatted(msgspec.Struct, array_like=True):
    head: _Outline


class Frozen:
    """A partition at one moment; `scoring` gives the arrays of the model when it is asked."""

    def __init__(
        self, head: Head, arrays: Arrays, scoring: Callable[[], dict[str, NDArray[Any]]] = dict[str, NDArray[Any]]
    ) -> None:
        self._head, self._arrays, self._scoring = head, arrays, scoring

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but the head, by name."""
        return {**self._arrays} | {f"scoring/{name}": array for name, array in self._scoring().items()}

    def parts(self) -> Iterator[bytes | memoryview]:
        """Its bytes, part by part, not compressed."""
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays().items()}
        listed = [
            _Array(name, array.dtype.str, array.shape, array.tolist() if array.dtype.hasobject else [])
            for name, array in arrays.items()
        ]
        head = msgspec.msgpack.encode(_Snapshot(self._head, listed))
        yield len(head).to_bytes(_LENGTH_BYTES, "big")
        yield head
        for array in arrays.values():
            if not array.dtype.hasobject:
                yield array.reshape(-1).view(np.uint8).data

    def to_bytes(self) -> bytes:
        """All of them together."""
        return b"".join(self.parts())


def thaw(data: bytes | bytearray) -> tuple[Head, dict[str, NDArray[Any]]]:
    """The head and the arrays of a snapshot. Raises SnapshotError for another format, or for what is none."""
    whole = memoryview(data)
    end = _LENGTH_BYTES + int.from_bytes(whole[:_LENGTH_BYTES], "big")
    try:
        written = msgspec.msgpack.decode(whole[_LENGTH_BYTES:end], type=_Formatted).head.format
        if written != SNAPSHOT_FORMAT:
            remedy = (
                "Start the program that wrote it, or begin anew from the event topics with another CHURN_APP_VERSION."
            )
            raise SnapshotError("snapshot format", f"{written}, this program reads {SNAPSHOT_FORMAT}", remedy)
        snapshot = msgspec.msgpack.decode(whole[_LENGTH_BYTES:end], type=_Snapshot)
        arrays = _unpacked(snapshot.arrays, whole[end:])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError) as error:
        remedy = "It is damaged, or of another program: begin anew from the events with another CHURN_APP_VERSION."
        raise SnapshotError("snapshot", f"it cannot be read ({error})", remedy) from error
    return snapshot.head, arrays


def _unpacked(listed: Iterable[_Array], content: memoryview) -> dict[str, NDArray[Any]]:
    """The arrays, copied out of the content. Raises ValueError when it is too short."""
    found, start = {}, 0
    known: dict[str, str] = {}
    for one in listed:
        dtype, count = np.dtype(one.dtype), math.prod(one.shape)
        if dtype.hasobject:
            found[one.name] = np.empty(one.shape, object)
            found[one.name][:] = [known.setdefault(text, text) for text in one.texts]  # most of them say the same
            continue
        end = start + count * dtype.itemsize
        found[one.name] = np.frombuffer(content[start:end], dtype, count).reshape(one.shape).copy()
        start = end
    return found
