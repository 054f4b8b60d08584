"""Files of what is published, a record a line, as `replay` writes them or as somebody saved a topic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from schemas.alert import AlertV1, decode_alert
from schemas.instant import from_rfc3339
from schemas.outcome import OutcomeV1, decode_outcome
from schemas.receipt import ReceiptV1, decode_receipt
from schemas.suppressed import SuppressedV1, decode_suppressed
from streams.files.bad_line import FEW, BadLine, told
from streams.files.opening import filled_lines, opened_bytes

T = TypeVar("T")
_SIGNAL: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T")


@dataclass(slots=True)
class PublishedLines(Generic[T]):
    """The records of some files, in their order, and the lines that are none."""

    records: list[T] = field(default_factory=list)
    bad: list[BadLine[str]] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What is wrong with the files, the first lines one by one."""
        return told(self.bad, FEW)


def read_published(files: Iterable[Path], noun: str, decode: Callable[[bytes], T]) -> PublishedLines[T]:
    """Read lines of JSON, packed with gzip or not; empty ones are none. `decode` raises ValueError for what is bad.

    Raises SetupError for a file that cannot be read.
    """
    found: PublishedLines[T] = PublishedLines()
    for file in files:
        with opened_bytes(file, f"file of {noun}s") as lines:
            for number, line in filled_lines(lines):
                try:
                    found.records.append(decode(line))
                except (msgspec.MsgspecError, ValueError) as error:
                    found.bad.append(BadLine(file, number, f"no {noun}: {error}"))
    return found


def record_of(line: bytes) -> AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1:
    """An alert, one that was not sent, a receipt or an outcome, known by its fields. Raises ValueError for others."""
    fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).keys()
    for own, decode in _RECORDS:
        if own in fields:
            found = decode(line)
            signal = found.alert.signal if isinstance(found, SuppressedV1) else found.signal
            if signal is not None:
                _check_signal(signal)
            return found
    raise ValueError("it has none of the fields " + ", ".join(own for own, _ in _RECORDS))


def outcome_of(line: bytes) -> OutcomeV1:
    """What came of a trial. Raises ValueError, msgspec's errors among them, for what is none."""
    found = decode_outcome(line)
    for instant in (found.starts_at, found.at):
        if not _INSTANT.match(instant):
            raise ValueError(f"{instant!r} is no instant such as 2026-02-03T00:00:00Z")
        from_rfc3339(instant)
    _check_signal(found.signal)
    if not found.alert_id or found.horizon_days < 0:
        raise ValueError("its alert has no id" if not found.alert_id else "its horizon is below 0 days")
    return found


def _check_signal(signal: str) -> None:
    if not _SIGNAL.fullmatch(signal):
        raise ValueError(f"{signal[:80]!r} is the id of no signal")


_RECORDS: Final[tuple[tuple[str, Callable[[bytes], AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1]], ...]] = (
    ("revision", decode_alert),
    ("rule", decode_suppressed),
    ("command_id", decode_receipt),
    ("came_back", outcome_of),
)
"""A field that only this record has, and what reads it."""
