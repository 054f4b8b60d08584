"""What the readers of tables and of JSON hand on: a record, or why a line is none."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.errors import RejectedError


class FileRecord(NamedTuple):
    """One record of a file, with the lines that it was read from."""

    number: int
    """Of its first line, from 1; of the item, where a file is one JSON document."""
    row: Any
    """What names are looked up in: list of cells, list of such lists, or what a JSON object holds."""
    raw: list[str]
    error: RejectedError | None = None
