"""Many customers out of few: a snapshot in which each stands for several, under names of their own.

What the engine made of a load is repeated, entry by entry, in the columns of a snapshot: to fold the events of a
million customers takes minutes. A customer becomes those of the same partition and the same snapshot day of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import GrowingRows, Ints
from models.customers.roster import Roster
from models.engine.frozen import Frozen
from models.engine.ledger import Ledger
from models.engine.partition import Partition
from models.engine.snapshot import freeze
from models.scoring.snapshots import weekday_of
from schemas.partitioner import partition_of

Arrays = dict[str, NDArray[Any]]

SEED: Final = 3


def names_of(customers: int, partitions: int) -> list[list[str]]:
    """As many customers as asked for, by the partition where their events go."""
    found: list[list[str]] = [[] for _ in range(partitions)]
    for number in range(customers):
        name = f"customer-{number:07}"
        found[partition_of(name.encode(), partitions)].append(name)
    return found


class Family:
    """Who stands for whom: `origin` is by new row, children are the new rows of an old one."""

    def __init__(self, origin: Ints, size: int) -> None:
        self.origin = origin
        self._order = np.argsort(origin, kind="stable")
        self._counts = np.bincount(origin, minlength=size)
        self._starts = np.cumsum(self._counts) - self._counts

    def children(self, row: int) -> list[int]:
        """The new rows of one old row."""
        first = self._starts[row]
        found: list[int] = self._order[first : first + self._counts[row]].tolist()
        return found

    def spread(self, rows: Ints, groups: Ints) -> tuple[Ints, Ints]:
        """Entries of a log or table, ordered by group and row: where each new one comes from, and its new row."""
        times = self._counts[rows]
        source = np.repeat(np.arange(len(rows)), times)
        within = np.arange(len(source)) - np.repeat(np.cumsum(times) - times, times)
        new = self._order[self._starts[rows[source]] + within]
        order = np.lexsort((new, groups[source]))
        return source[order], new[order].astype(np.int32)


def tiled(partition: Partition, names: list[str]) -> Frozen:
    """The snapshot of a partition of these customers, each as one of those in `partition` is; no offset was read."""
    assert not partition.customers.days.open, "take the partition right behind a midnight"
    frozen = freeze(partition)
    family = Family(_origins(partition, names), partition.customers.size)
    head = frozen._head
    corroborated = {
        signal: {child: others for row, others in of.items() for child in family.children(row)}
        for signal, of in head.corroborated.items()
    }
    head = msgspec.structs.replace(head, corroborated=corroborated, ledger=Ledger())
    roster = Roster()
    roster.enrol(names)
    arrays = {f"roster/{name}": array for name, array in roster.to_arrays().items()}
    return Frozen(head, _tiled_arrays(frozen.arrays(), family) | arrays)


def _origins(partition: Partition, names: list[str]) -> Ints:
    """By new row an old one, in turn among those of the same snapshot day."""
    learning = partition.basis.learning
    step = 1 if learning is None else learning.step_days

    def kinds(ids: list[str]) -> Ints:
        return np.array([0 if learning is None else weekday_of(one, learning) for one in ids], np.int64)

    old, new = kinds(partition.customers.roster.ids), kinds(names)
    origin = np.arange(len(names)) % partition.customers.size
    for kind in range(step):
        alike, wanted = np.flatnonzero(old == kind), np.flatnonzero(new == kind)
        if len(alike):
            origin[wanted] = alike[np.arange(len(wanted)) % len(alike)]
    return origin


def _tiled_arrays(arrays: Mapping[str, NDArray[Any]], family: Family) -> Arrays:
    found: Arrays = {}
    for part in sorted({name.rpartition("/")[0] for name in arrays}):
        of = {name.rpartition("/")[2]: array for name, array in arrays.items() if name.rpartition("/")[0] == part}
        kind = part.split("/")[0]
        if kind == "columns":
            new = {name: array[family.origin] for name, array in of.items()}
        elif kind == "roster":
            continue
        elif kind == "ids":
            new = _ids(of, family)
        elif kind == "days":
            new = _log(of, family)
        elif kind == "alerts":
            new = _table(of, family, np.zeros(len(of["rows"]), np.int64))[0]
        else:
            assert kind == "scoring", part
            new = _scoring(part, of, family)
        found |= {f"{part}/{name}": array for name, array in new.items()}
    return found


def _table(of: Arrays, family: Family, groups: Ints) -> tuple[Arrays, Ints]:
    source, rows = family.spread(of["rows"], groups)
    return {name: array[source] for name, array in of.items()} | {"rows": rows}, groups[source]


def _ids(of: Arrays, family: Family) -> Arrays:
    """Keys that nobody has, of as many events on each day as there would be."""
    times = len(family.origin) // max(1, len(family._counts))
    packed = np.tile(of["packed"], max(1, times))
    keys = np.sort(np.random.default_rng(SEED).integers(0, 1 << 64, len(packed), np.uint64))
    return of | {"keys": keys, "packed": packed}


def _log(of: Arrays, family: Family) -> Arrays:
    first_day, *starts = of.pop("").tolist()
    days = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    kept = GrowingRows()
    kept.set_arrays(of)
    new, groups = _table(of | {"rows": kept.at(slice(None))}, family, days)
    ends = np.cumsum(np.bincount(groups, minlength=len(starts) - 1))
    return (
        new | GrowingRows(new.pop("rows")).to_arrays() | {"": np.concatenate(([first_day, 0], ends)).astype(np.int64)}
    )


def _scoring(part: str, of: Arrays, family: Family) -> Arrays:
    if part == "scoring/pending":
        days, question = of.pop("days"), of.pop("question")
        new, groups = _table(of, family, np.repeat(np.arange(len(days)), days[:, 1]))
        days = np.column_stack((days[:, 0], np.bincount(groups, minlength=len(days))))
        return new | {"days": days, "question": question}
    if part == "scoring/risks":
        by_row = {"ranks": of["ranks"][family.origin], "versions": of["versions"][family.origin]}
        return of | by_row | {"values": of["values"][:, family.origin]}
    return of
