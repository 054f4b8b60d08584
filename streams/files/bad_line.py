"""Lines of files that cannot be taken, and how they are told: the first one by one, then how many more there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from streams.text.wording import counted

E = TypeVar("E")
FEW: Final = 5
"""Bad lines that are told one by one, of files of one kind of line."""


class BadLine(NamedTuple, Generic[E]):
    """A line, or an item of a file that is one JSON document, and what is wrong with it."""

    file: Path
    line: int
    error: E
    is_item: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{' item ' if self.is_item else ''}{self.line}: {self.error}"


def told(bad: Sequence[BadLine[E]], shown: int) -> list[str]:
    """A sentence for each of the first `shown`, and one for all others.

    >>> told([BadLine(Path("a.csv"), line, "no date") for line in (2, 5, 9)], 1)
    ['a.csv:2: no date', 'and 2 more bad lines']
    """
    more = len(bad) - shown
    return [*map(str, bad[:shown]), *([f"and {counted(more, 'more bad line')}"] if more > 0 else [])]
