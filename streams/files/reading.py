"""One event file, as events and as what is wrong with it: JSON Lines of the contract, or anything else by a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from schemas.codec import decode_line, encode_event
from schemas.errors import RejectedError
from schemas.event import FEEDS, TICKET, Event
from streams.errors import SetupError
from streams.files.cells import LeftOutError
from streams.files.counts import FileCounts, is_return
from streams.files.fields import Fields, JsonFields, TableFields
from streams.files.json_records import JsonRecords
from streams.files.making import Making
from streams.files.mapping import Mapping
from streams.files.mapping_file import known_by_file_name, load_mapping
from streams.files.opening import Text, opened_bytes, opened_text
from streams.files.records import FileRecord
from streams.files.tables import Table

JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_UTF8_MARK: Final = b"\xef\xbb\xbf"


class EventFile(NamedTuple):
    """A file and, unless it holds JSON Lines of the contract, how its lines become events."""

    path: Path
    mapping: Mapping | None = None
    mapping_file: Path | None = None
    """Where the mapping was read from, if it is not one of the product's."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that is no event of the contract: which, why, and its lines as they were."""

    number: int
    error: RejectedError
    raw: bytes
    is_item: bool = False
    """Whether the number is of an item of one JSON document, not of a line."""


Check = Callable[[int], None]
"""Raises RejectedError for the time of an event that must not be taken."""

Made = tuple[int, Event, bytes | None]
"""Number of the line or item, the event, its bytes where the file has them: a plain tuple, one for each event."""


def bytes_of(event: Event, value: bytes | None) -> bytes:
    """What is posted of an event: what stands in the file, else its canonical form."""
    return encode_event(event) if value is None else value


def mapping_for(file: Path, general: Mapping | None) -> Mapping | None:
    """The mapping for a file that has none of its own: by its name, else the general one; none for JSON Lines.

    JSON is read by a general mapping only if that says `format: json`. Raises SetupError for a table without one.
    """
    plain = file.name.removesuffix(".gz")
    is_json = plain.lower().endswith(JSON_LINES)
    if general is not None and (general.format == "json" if is_json else True):
        return general
    known = known_by_file_name().get(plain)
    if known is None and not is_json:
        remedy = (
            f"Say --mapping FILE for a table (`churn-signals mapping guess {file}` proposes one), or name JSON Lines "
            f"one of {', '.join(JSON_LINES)} (.gz)."
        )
        raise SetupError("event file", f"{file} is neither JSON Lines nor a table with a mapping", remedy)
    return None if known is None else load_mapping(known)


def read_file(source: EventFile, counts: FileCounts, check: Check | None = None) -> Iterator[Made | Bad]:
    """The events of a file and its bad records, in order; `counts` has them all at the end. Raises SetupError.

    `check` raises RejectedError for an event time for which a record is bad.
    """
    if source.mapping is None:
        return _contract(source.path, counts, check)
    counts.is_mapped = True
    return _opened(source.path, source.mapping, counts, check)


def _contract(file: Path, counts: FileCounts, check: Check | None) -> Iterator[Made | Bad]:
    """JSON Lines of the contract: each value is posted as it stands in the file."""
    number, blank, returns = 0, 0, 0
    made = [0] * len(FEEDS)
    with opened_bytes(file) as opened:
        for number, line in enumerate(opened, start=1):
            value = line.rstrip(b"\r\n")
            if number == 1:
                value = value.removeprefix(_UTF8_MARK)
            if not value:
                blank += 1
                continue
            try:
                event = decode_line(value)
                if check is not None:
                    check(event.time_ms)
            except RejectedError as error:
                counts.refuse(error.reason)
                yield Bad(number, error, line)
            else:
                made[event.feed] += 1
                if event.feed == TICKET:
                    returns += is_return(event)
                yield number, event, value
    counts.lines, counts.blank = number, blank
    counts.take_lines(made, returns)


def _opened(file: Path, mapping: Mapping, counts: FileCounts, check: Check | None) -> Iterator[Made | Bad]:
    try:
        with opened_text(file, mapping.encoding) as text:
            yield from _mapped(text, mapping, counts, check)
    except SetupError as error:
        if str(file) in error.value:
            raise
        raise SetupError(error.thing, f"{file}: {error.value}", error.remedy) from error


def _mapped(text: Text, mapping: Mapping, counts: FileCounts, check: Check | None) -> Iterator[Made | Bad]:
    records: Table | JsonRecords
    fields: Fields
    read: Iterable[FileRecord]
    if mapping.format == "json":
        read = records = JsonRecords(text, mapping)
        fields = JsonFields()
    else:
        read = records = table = Table(text, mapping)
        fields = TableFields(table.head, mapping.optional, is_grouped=mapping.group_by is not None)
        counts.lines, counts.blank = table.line_number, table.blank
        counts.head = text.mark + text.to_bytes(table.head_lines)
        if not table.head:
            return
        if mapping.group_by is not None:
            read = _groups(table, mapping.group_by)
    making = Making(mapping, fields)
    counts.written_ids = making.written_ids  # filled while records are read
    for record in read:
        try:
            events = _events(record, making, check)
        except LeftOutError as left_out:
            counts.leave_out(left_out.rule, left_out.value)
        except RejectedError as error:
            counts.refuse(error.reason)
            is_item = isinstance(records, JsonRecords) and records.is_document
            yield Bad(record.number, error, text.to_bytes(record.raw), is_item)
        else:
            counts.take(events)
            for event in events:
                yield record.number, event, None
    counts.lines, counts.blank = records.line_number, records.blank
    counts.repeated_times = making.repeated_times
    if isinstance(fields, JsonFields) and counts.records:
        counts.never = tuple(sorted(fields.never - set(mapping.optional)))


def _events(record: FileRecord, making: Making, check: Check | None) -> list[Event]:
    """The events of a record. Raises RejectedError and LeftOutError."""
    if record.error is not None:
        raise record.error
    events = making.events(record.row)
    if check is not None:
        for event in events:
            check(event.time_ms)
    return events


def _groups(table: Table, name: str) -> Iterator[FileRecord]:
    """Lines that follow each other and have the same value in the column of `group_by`, as one record."""
    read = TableFields(table.head, (), is_grouped=False).one(name)
    seen: set[str] = set()

    def key(record: FileRecord) -> tuple[bool, str]:
        return (True, f"{record.number}") if record.error is not None else (False, read(record.row).strip())

    for (is_bad, value), group in groupby(table, key):
        records = list(group)
        raw = [line for record in records for line in record.raw]
        first = records[0]
        if is_bad:
            yield first
        elif not value:
            yield first._replace(row=None, raw=raw, error=RejectedError("missing_field", f"{name} is empty"))
        elif value in seen:
            detail = f"{name}: {value[:80]!r} came before with other lines between: sort the file by it"
            yield first._replace(row=None, raw=raw, error=RejectedError("wrong_type", detail))
        else:
            seen.add(value)
            yield first._replace(row=[record.row for record in records], raw=raw)
