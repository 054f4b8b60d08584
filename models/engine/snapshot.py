"""A partition as bytes: what a restart begins with. A head in MessagePack, then the columns as they are in memory.

`freeze` copies what is changed in place, which takes milliseconds; `Frozen.parts` may run in another thread. What a
snapshot does not hold is built anew from its days: windows, and, for another catalogue, the pulse and all that follows
from it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.alerts.answers import Due, erasures_in
from models.alerts.attention.quiet import Word
from models.alerts.attention.trials import end_trials
from models.alerts.episode import SignalAlerts
from models.alerts.retired import RetiredSignal, known_of, retired
from models.alerts.tables import RowTable
from models.catalogue.rules import Rules
from models.customers.aliases import Aliases
from models.customers.outages import FeedState
from models.engine.ledger import Ledger
from models.engine.open_days import day_of, day_values
from models.engine.partition import Partition
from schemas.erasure import erased_name
from schemas.suppressed import Rule

Arrays = Mapping[str, NDArray[Any]]

SNAPSHOT_FORMAT: Final = 11
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


class _Head(msgspec.Struct):
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
    signals: dict[str, RetiredSignal]
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
    head: _Head
    arrays: list[_Array]


class _Formatted(msgspec.Struct, array_like=True):
    head: _Outline


class Frozen:
    """A partition at one moment; `scoring` gives the arrays of the model when it is asked."""

    def __init__(
        self, head: _Head, arrays: Arrays, scoring: Callable[[], dict[str, NDArray[Any]]] = dict[str, NDArray[Any]]
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


def freeze(partition: Partition) -> Frozen:
    """Copy a partition: the roster, logs and closed ids are never changed in place: they are looked at as they are.

    It must not be in the middle of a boundary.
    """
    assert not partition.is_behind
    customers, review = partition.customers, partition.review
    head = _Head(
        format=SNAPSHOT_FORMAT,
        zone=partition.basis.calendar.zone,
        catalogue="" if review.is_anew else partition.rules.hash,
        alerts_from_ms=review.writer.alerts_from_ms,
        channel_names=customers.days.channel_names.copy(),
        highs=partition.watermark.highs.copy(),
        passed=partition.watermark.boundary,
        closed=customers.boundary,
        ledger=msgspec.msgpack.decode(msgspec.msgpack.encode(partition.ledger), type=Ledger),
        versions=[] if review.scoring is None else review.scoring.versions.copy(),
        open_days={day: day_values(opened) for day, opened in customers.days.open.items()},
        late_days={day: day_values(opened) for day, opened in customers.days.late.items()},
        late_rows=sorted(customers.waiting_late),
        waiting=[(feed, day, list(rows)) for (feed, day), rows in partition.early.waiting.items()],
        signals={of.signal.id: known_of(of.signal) for of in review.alerts if len(of.open) or of.early},
        early={of.signal.id: {row: days.copy() for row, days in of.early.items()} for of in review.alerts if of.early},
        corroborated={of.signal.id: of.corroborated.copy() for of in review.alerts if of.corroborated},
        currency=partition.basis.currency,
        commands=[*partition.inbox.waiting],
        snoozed={of.signal.id: of.snoozed.copy() for of in review.alerts if of.snoozed},
        held={of.signal.id: of.held.copy() for of in review.alerts if of.held},
        words={customer_id: words.copy() for customer_id, words in review.quiet.words.items()},
        erased=customers.erased.since.copy(),
        unswept=sorted(customers.erased.unswept),
        salt=customers.erased.name_of(""),
        contacted=review.follow_up.contacts.at.copy(),
        outages=customers.outages.kept(),
        running={} if review.scoring is None else dict(review.scoring.running),
        judged_by=partition.judged_by.copy(),
        aliases=customers.aliases.kept(),
    )
    if review.scoring is None:
        return Frozen(head, _arrays(partition))
    return Frozen(head, _arrays(partition), review.scoring.frozen())


def _arrays(partition: Partition) -> dict[str, NDArray[Any]]:
    customers, review = partition.customers, partition.review
    parts: dict[str, Arrays] = {
        "roster": customers.roster.to_arrays(),
        "columns": customers.columns.to_arrays(customers.size),
        "ids": partition.ids.to_arrays(),
        **{f"days/{name}": log.to_arrays() for name, log in customers.days.logs.items()},
    }
    for of in review.alerts:
        tables = _tables(of) | {"cooling": of.still_cooling(customers.boundary)}
        parts |= {f"alerts/{of.signal.id}/{name}": table.to_arrays() for name, table in tables.items()}
    return {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def _tables(of: SignalAlerts) -> dict[str, RowTable]:
    return {"open": of.open, "cooling": of.cooling, "pending": of.pending, "trials": of.trials}


def load(
    data: bytes | bytearray, rules: Rules, *, number: int = 0, partitions: int = 1, limit_dead_letters: bool = True
) -> Partition:
    """The partition of a snapshot. Raises SnapshotError for another format or zone, or for what is none."""
    partition = Partition(rules, number=number, partitions=partitions, limit_dead_letters=limit_dead_letters)
    load_into(partition, data, rules)
    return partition


def load_into(partition: Partition, data: bytes | bytearray, rules: Rules) -> None:
    """Let a partition go on from a snapshot, by rules; what it knew is forgotten. Raises as `load` does."""
    head, arrays = _checked(data, rules)
    partition.set_up(rules, head.alerts_from_ms)
    customers, review = partition.customers, partition.review
    partition.judged_by = head.judged_by
    customers.roster.set_arrays(_part(arrays, "roster"))
    customers.columns.set_arrays(_part(arrays, "columns"))
    customers.boundary = head.closed
    customers.outages.states = [head.outages]
    days = customers.days
    days.set_channel_names(head.channel_names)
    for name, log in days.logs.items():
        log.set_arrays(_part(arrays, f"days/{name}"))
    days.open = {day: day_of(values) for day, values in head.open_days.items()}
    days.late = {day: day_of(values) for day, values in head.late_days.items()}
    customers.waiting_late = set(head.late_rows)
    partition.ledger = head.ledger
    partition.watermark.resume(head.highs, head.passed)
    partition.inbox.waiting, review.quiet.words = dict.fromkeys(head.commands), head.words
    erased, customers.aliases = customers.erased, head.aliases
    customers.aliases.find_rows(customers.roster)
    erased.since, erased.unswept = head.erased, {*head.unswept}
    erased.due = {one: at for one, at in erasures_in(head.commands).items() if one not in head.aliases.gone}
    review.follow_up.contacts.at = head.contacted
    partition.ids.set_arrays(_part(arrays, "ids"), head.closed)
    partition.early.waiting = {
        (feed, day): dict.fromkeys(rows) for feed, day, rows in head.waiting if partition.early.has_signals(feed)
    }
    _load_alerts(partition, head, arrays)
    if review.scoring is not None:
        scoring = _part(arrays, "scoring")
        if scoring:
            review.scoring.set_arrays(scoring, head.versions)
        review.scoring.running = {name: head.running.get(name, at) for name, at in review.scoring.running.items()}
    review.resume(is_anew=head.catalogue != rules.hash)


def _checked(data: bytes | bytearray, rules: Rules) -> tuple[_Head, dict[str, NDArray[Any]]]:
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
    head = snapshot.head
    if head.zone != rules.basis.calendar.zone:
        remedy = "Days were counted in that zone: set CHURN_ZONE back, or begin anew with another CHURN_APP_VERSION."
        raise SnapshotError("CHURN_ZONE", f"{rules.basis.calendar.zone}, but the state is of {head.zone}", remedy)
    if head.currency != rules.basis.currency:
        remedy = "Amounts were counted in it: set `currency` back, or begin anew with another CHURN_APP_VERSION."
        value = f"its currency is {rules.basis.currency}, but the state's is {head.currency}"
        raise SnapshotError("the catalogue", value, remedy)
    if head.erased and head.salt != erased_name(rules.basis.erasure_salt, ""):
        value = "another than the customers were erased with: they would come back"
        raise SnapshotError("CHURN_ERASURE_SALT", value, "Set it back to what it was.")
    return head, arrays


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


def _load_alerts(partition: Partition, head: _Head, arrays: Arrays) -> None:
    known = {name.split("/")[1] for name in arrays if name.startswith("alerts/")}
    alerts = {of.signal.id: of for of in partition.review.alerts}
    for signal in sorted(head.signals.keys() - alerts.keys()):  # it left the catalogue: its alerts are closed
        alerts[signal] = SignalAlerts(retired(signal, head.signals[signal]))
        partition.review.alerts.append(alerts[signal])
    for signal in sorted(known & alerts.keys()):
        of = alerts[signal]
        for name, table in _tables(of).items():
            if name == "pending" and of.signal.persistence == 1:
                continue  # nobody counts, so that a longer count must begin anew
            table.set_arrays(_part(arrays, f"alerts/{signal}/{name}"))
        of.early = head.early.get(signal, {})
        of.corroborated = head.corroborated.get(signal, {})
        of.snoozed, of.held = head.snoozed.get(signal, {}), head.held.get(signal, {})
        if not of.signal.holdout:
            end_trials(of)


def _part(arrays: Arrays, part: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(f"{part}/"): array for name, array in arrays.items() if name.startswith(f"{part}/")}
