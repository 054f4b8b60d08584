"""Whom a record is about: the customer id by the mapping, and the ids that stand for nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Any, Final

import msgspec

from streams.files.cells import CellReaders, LeftOutError, steps_of
from streams.files.mapping import NOBODY, Cell, Mapping, Scalar

MOST_WRITTEN: Final = 20_000
"""Ids as they were written that are kept; one that comes often is soon there again."""
STANDS_FOR_NOBODY: Final = "customer id stands for nobody"


def customer_reader(mapping: Mapping, cells: CellReaders, written: dict[str, str]) -> Callable[[Any], str]:
    """How to read the customer id. The function raises LeftOutError for an id that stands for nobody.

    Ids are compared before they are hashed, without regard to case and outer spaces. What they were before is kept in
    `written` for the last ones: people are told of an id by the name that they know.
    """
    value, finish = mapping.customer_id, list[Callable[[Scalar], Scalar]]()
    if isinstance(value, Cell):
        finish = steps_of(Cell(hash=value.hash, prefix=value.prefix))
        value = msgspec.structs.replace(value, hash=False, prefix="")
    read, is_nobody = cells.fill(value), _matcher(mapping)

    def customer(row: object) -> str:
        found = read(row, {})
        if found is None:
            raise LeftOutError(STANDS_FOR_NOBODY, "")
        text = str(found)
        if is_nobody(text.strip().casefold()):
            raise LeftOutError(STANDS_FOR_NOBODY, text.strip()[:80])
        if not finish:
            return text
        made = text
        for step in finish:
            made = str(step(made))
        if len(written) >= MOST_WRITTEN:
            written.clear()
        written[made] = text
        return made

    return customer


def _matcher(mapping: Mapping) -> Callable[[str], bool]:
    """Whether an id, in lower case, is on the product's list or the mapping's; `*` stands for any characters."""
    somebody = _folded(mapping.somebody)
    named = (_folded(NOBODY) | _folded(mapping.nobody)) - somebody
    exact = {name for name in named if "*" not in name}
    patterns = [translate(re.sub(r"[][?]", r"[\g<0>]", name)) for name in sorted(named - exact)]
    if not patterns:
        return exact.__contains__
    matches = re.compile("|".join(f"(?:{pattern})" for pattern in patterns)).match
    return lambda text: text in exact or (matches(text) is not None and text not in somebody)


def _folded(names: Iterable[str]) -> set[str]:
    return {name.strip().casefold() for name in names}
