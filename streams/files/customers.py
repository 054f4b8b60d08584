"""Whom a record is about: the customer id by the mapping, and the ids that stand for nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Any, Final

import msgspec

from streams.files.cells import Cells, LeftOutError, steps_of
from streams.files.mapping import NOBODY, Cell, Mapping

STANDS_FOR_NOBODY: Final = "customer id stands for nobody"


def customer_reader(mapping: Mapping, cells: Cells) -> Callable[[Any], str]:
    """How to read the customer id. The function raises LeftOutError for an id that stands for nobody.

    Ids are compared before they are hashed, without regard to case and outer spaces.
    """
    value, finish = mapping.customer_id, []
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
        for step in finish:
            text = str(step(text))
        return text

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
