"""What stands in files read back as it was written, over anything: templates, numbers, cells, times, paths of JSON."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedError
from schemas.instant import to_ms
from streams.files.counts import FileCounts
from streams.files.json_records import MISSING, found_in
from streams.files.mapping import TimeRule, texts_in
from streams.files.mapping_file import parsed_mapping
from streams.files.numbers import number_reader
from streams.files.opening import Text
from streams.files.roles import FORMATS
from streams.files.tables import Table
from streams.files.times import time_reader
from support.exports import shop

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
SHOP = parsed_mapping("shop.yaml", shop())


@given(st.text())
def test_texts_of_a_mapping_are_taken_apart_without_loss(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert "".join(plain for plain, _ in texts_in(escaped)) == text
    name = text.replace("}", "").lstrip("{") or "x"
    assert texts_in(f"{escaped}{{{name}}}!") == [(text, name), ("!", None)]


@given(st.integers(0, 10**12), st.sampled_from(["", " ", "\u00a0", "'", ","]), st.integers(0, 99), st.booleans())
def test_numbers_are_read_as_they_were_written(whole: int, group: str, cents: int, negative: bool) -> None:  # noqa: FBT001 - drawn
    text = f"{'-' if negative else ''}{f'{whole:,}'.replace(',', group)}.{cents:02d}"
    number = number_reader(".", ",")(text)
    assert number.as_float() == float(f"{'-' if negative else ''}{whole}.{cents:02d}")


@given(
    st.text(alphabet="0123456789.,' -()€+eE\u00a0", max_size=20), st.sampled_from([(".", ""), (".", ","), (",", ".")])
)
def test_a_number_is_read_in_one_way_or_refused(text: str, signs: tuple[str, str]) -> None:
    read = number_reader(*signs)
    try:
        found = read(text)
    except ValueError:
        return
    assert found.whole.isdigit() or found.fraction.isdigit()


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from(",;\t|")
)
def test_any_cells_that_are_written_are_read(rows: list[tuple[str, str]], end: str, separator: str) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second"), *rows])
    content = io.TextIOWrapper(io.BytesIO(written.getvalue().encode()), encoding="utf-8", newline="\n")
    mapping = msgspec.structs.replace(SHOP, separator=separator)
    found = [record.row for record in Table(Text(content, "utf-8"), mapping) if record.error is None]

    def as_read(cell: str) -> str:  # a CR alone stands for a space
        return unicodedata.normalize("NFC", re.sub(r"\r+(?![\r\n])", " ", cell))

    assert [[as_read(cell) for cell in row] for row in found] == [
        [as_read(cell) for cell in row] for row in rows if any(cell.strip() for cell in row)
    ]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from(FORMATS), st.sampled_from(ZONES))  # noqa: DTZ001 - the zone is drawn
def test_times_are_read_as_they_were_written(moment: datetime, written: str, zone: str) -> None:
    aware = moment.replace(tzinfo=ZoneInfo(zone))
    if written in {"iso", "epoch_s", "epoch_ms"}:
        text = {"iso": aware.isoformat(), "epoch_s": str(to_ms(aware) // 1000), "epoch_ms": str(to_ms(aware))}[written]
    else:
        text = aware.strftime(written)
    try:
        found = time_reader(TimeRule(format=written), ZoneInfo(zone))(text)
    except RejectedError as error:
        assert "does not exist" in error.detail or "epoch" in written  # noqa: PT017 - which one depends on what is drawn
        return
    if "%z" in written or written in {"iso", "epoch_ms"}:
        assert abs(found.time_ms - to_ms(aware)) < 1000
    elif "epoch" not in written and "%y" not in written and "UTC" not in written:
        assert found.local.strftime(written) == text


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", "a[]"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, st.text(alphabet="ab.[]0", max_size=12))
def test_anything_can_be_looked_up_in_anything(row: object, name: str) -> None:
    found = found_in(row, name)
    if isinstance(row, dict) and name in row:
        assert found is row[name]
    elif not isinstance(row, dict | list):
        assert found is MISSING


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.text(max_size=3)), max_size=50))
def test_counts_add_up(left_out: list[tuple[str, str]]) -> None:
    counts = FileCounts(Path("x"))
    for rule, value in left_out:
        counts.leave_out(rule, value)
    counts.refuse("bad_time")
    assert counts.records == counts.left_out_total + 1 == len(left_out) + 1
