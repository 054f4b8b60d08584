"""Files and their mappings, bad lines kept, ids that come too often, lists of ids, names of files with a colon."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.instant import to_ms
from streams.cli.event_files import EVENT_FILE
from streams.errors import SetupError
from streams.files.counts import FileCounts, Frequent
from streams.files.edge import Edge
from streams.files.history import Rejects, read_history
from streams.files.id_list import read_ids
from streams.files.json_records import MISSING, found_in
from streams.files.mapping import TimeRule, texts_in
from streams.files.mapping_file import parsed_mapping
from streams.files.numbers import number_reader
from streams.files.opening import Text
from streams.files.reading import EventFile
from streams.files.roles import FORMATS
from streams.files.tables import Table
from streams.files.times import time_reader
from support.builders import line, login, purchase
from support.exports import HEAD, lines, shop, table
from support.exports_systems import DESK, ticket

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
SHOP = parsed_mapping("shop.yaml", shop())


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# -- files and mappings


def test_several_files_with_a_mapping_each_are_merged_by_time(tmp_path: Path) -> None:
    orders = write(tmp_path / "a.csv", table(HEAD, "1,c1,2025-01-06 10:00,10.00,1"))
    tickets = write(tmp_path / "b.jsonl", lines(ticket(1, "open")))
    plain = write(tmp_path / "c.jsonl", line(login()) + b"\n")
    sources: list[Path | EventFile] = [
        EventFile(orders, SHOP),
        EventFile(tickets, parsed_mapping("desk.yaml", DESK)),
        plain,
    ]
    history = read_history(sources)
    assert sorted(FEEDS[event.feed] for event in history.events) == ["login", "purchase", "ticket"]
    assert [event.time_ms for event in history.events] == sorted(event.time_ms for event in history.events)
    assert [counts.made for counts in history.counts] == [1, 1, 1]


def test_a_mapping_is_given_behind_a_colon_or_a_file_has_one_in_its_name(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", b"x")
    odd = write(tmp_path / "2025-01-01T10:00.csv", b"x")
    assert EVENT_FILE.convert(str(plain), None, None) == EventFile(plain)
    assert EVENT_FILE.convert(str(odd), None, None) == EventFile(odd)
    for file in (plain, odd):
        found = EVENT_FILE.convert(f"{file}:shopify", None, None)
        assert found.path == file
        assert found.mapping is not None
        assert found.mapping.source == "shopify"


@pytest.mark.parametrize("name", ["none.csv", "none.csv:shopify", "", ":", "C:\\orders.csv"])
def test_what_is_no_file_is_wrong_usage(name: str) -> None:
    with pytest.raises(click.BadParameter, match="file"):
        EVENT_FILE.convert(name, None, None)


def test_a_mapping_for_tables_is_not_used_for_json_in_silence(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", b"{}")
    (tmp_path / "shop.yaml").write_text(shop())
    with pytest.raises(SetupError, match="`format: json` in the mapping"):
        EVENT_FILE.convert(f"{file}:{tmp_path / 'shop.yaml'}", None, None)


def test_json_lines_of_the_contract_beside_a_table_need_no_mapping(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + line(login()) + b"\r\n")
    orders = write(tmp_path / "a.csv", table(HEAD, "1,c1,2025-01-06 10:00,10.00,1"))
    history = read_history([plain, orders], SHOP)
    assert (len(history.events), history.bad) == (2, [])


# -- what is said


def test_a_file_of_which_nothing_comes_is_said(tmp_path: Path) -> None:
    mapping = parsed_mapping("shop.yaml", shop().replace("    id:", "    when: {customer: nobody here}\n    id:"))
    history = read_history([EventFile(write(tmp_path / "a.csv", table(HEAD, "1,c1,2025-01-06 10:00,1,1")), mapping)])
    assert history.is_silent
    assert "nothing came of this file" in "\n".join(history.sentences())
    assert "no `when` fits (customer: c1 1)" in "\n".join(history.sentences())
    empty = read_history([EventFile(write(tmp_path / "b.csv", b""), SHOP), write(tmp_path / "c.jsonl", b"")])
    assert not empty.is_silent
    assert [told.rpartition("/")[2] for told in empty.sentences()] == [
        "b.csv: 0 lines: 0 events",
        "c.jsonl: 0 lines: 0 events",
    ]


def test_json_that_is_not_of_the_contract_gets_a_hint(tmp_path: Path) -> None:
    history = read_history([write(tmp_path / "a.jsonl", b'{"ticket": 1}\n')])
    assert "`churn-signals mapping guess" in "\n".join(history.sentences())


def test_a_name_that_no_record_has_is_said(tmp_path: Path) -> None:
    content = b'{"ticket":{"id":1,"requester":{"external_id":"c1"},"created_at":"2025-01-05","state":"open"}}\n'
    history = read_history([EventFile(write(tmp_path / "a.jsonl", content), parsed_mapping("desk.yaml", DESK))])
    assert "no record has ticket.status, ticket.tags" in "\n".join(history.sentences())


def test_times_in_a_repeated_hour_are_counted(tmp_path: Path) -> None:
    mapping = parsed_mapping("shop.yaml", shop("zone: Europe/Berlin"))
    content = table(HEAD, "1,c1,2025-10-26 02:30,1,1", "2,c1,2025-10-26 03:30,1,1")
    history = read_history([EventFile(write(tmp_path / "a.csv", content), mapping)])
    assert "1 time in an hour that a clock change repeats" in "\n".join(history.sentences())


# -- bad lines kept


def test_rejects_are_the_bad_lines_as_they_were_and_can_be_given_again(tmp_path: Path) -> None:
    rows = ('1,c1,soon,10.00,1,"ring\ntwice"', "2,c2,2025-01-06 10:00,10.00,1,x", "3,c3,2025-01-06 10:00,ten,1,é")
    source = EventFile(write(tmp_path / "a.csv", table(f"{HEAD},note", *rows, end="\r\n", encoding="cp1252")),
                       parsed_mapping("shop.yaml", shop("encoding: cp1252")))  # fmt: skip
    kept = io.BytesIO()
    first = read_history([source], rejects=Rejects(kept))
    assert kept.getvalue() == table(f"{HEAD},note", rows[0], rows[2], end="\r\n", encoding="cp1252")
    mended = kept.getvalue().replace(b"soon", b"2025-01-07 10:00").replace(b"ten", b"10")
    again = read_history([EventFile(write(tmp_path / "b.csv", mended), source.mapping)])
    assert (len(first.events), len(again.events), again.bad) == (1, 2, [])


def test_rejects_of_several_files_have_the_head_of_each(tmp_path: Path) -> None:
    one = EventFile(write(tmp_path / "a.csv", table(HEAD, "1,c1,soon,1,1")), SHOP)
    two = write(tmp_path / "b.jsonl", b"{\n" + line(purchase()) + b"\n")
    three = EventFile(write(tmp_path / "c.csv", table("customer,order,time,total,items", "c1,1,soon,1,1")), SHOP)
    kept = io.BytesIO()
    read_history([one, two, three], rejects=Rejects(kept))
    head = "customer,order,time,total,items"
    assert kept.getvalue() == table(HEAD, "1,c1,soon,1,1", "{", head, "c1,1,soon,1,1")


def test_rejects_of_a_file_in_utf_16_can_be_given_again(tmp_path: Path) -> None:
    mark, row = b"\xff\xfe", "1,c1,soon,1,1"
    source = EventFile(write(tmp_path / "a.csv", table(HEAD, row, encoding="utf-16-le", mark=mark)), SHOP)
    kept = io.BytesIO()
    read_history([source], rejects=Rejects(kept))
    assert kept.getvalue() == table(HEAD, row, encoding="utf-16-le", mark=mark)


def test_events_in_the_future_are_among_the_rejects(tmp_path: Path) -> None:
    source = EventFile(
        write(tmp_path / "a.csv", table(HEAD, "1,c1,2025-01-06 10:00,1,1", "2,c1,2035-01-06 10:00,1,1")), SHOP
    )
    kept = io.BytesIO()
    history = read_history([source], rejects=Rejects(kept), check=Edge(1_750_000_000_000, 0).check)
    assert [bad.error.reason for bad in history.bad] == ["future"]
    assert kept.getvalue() == table(HEAD, "2,c1,2035-01-06 10:00,1,1")


# -- ids


def test_an_id_with_too_many_events_is_warned_of() -> None:
    frequent = Frequent()
    for place in range(20_000):
        frequent.add("web@shop.example" if place % 50 == 0 else f"c{place % 7_001}")
    (told,) = frequent.sentences([])
    assert "'web@shop.example' has" in told
    assert "of 20,000 events" in told


@pytest.mark.parametrize("customers", [1, 3, 40, 90])
def test_a_firm_with_few_customers_is_not_warned(customers: int) -> None:
    frequent = Frequent()
    for place in range(20_000):
        frequent.add(f"c{place % customers}")
    assert frequent.sentences([]) == []


@given(st.lists(st.integers(0, 9_000), max_size=400), st.integers(0, 3))
def test_what_comes_often_is_counted_within_what_is_promised(others: list[int], times: int) -> None:
    frequent = Frequent()
    for place in range(9_000):
        frequent.add(f"c{place}")
    for one in others * times:
        frequent.add(f"c{one}")
        frequent.add("often")
    frequent.sentences([])
    true = len(others * times)
    found = frequent._counts.get("often", 0)
    assert true - frequent.total / frequent.KEPT <= found <= true


def test_a_list_of_ids_is_read_line_by_line(tmp_path: Path) -> None:
    file = write(tmp_path / "ids.txt", b"\xef\xbb\xbforder 1\r\n\n 2\n3")
    assert read_ids(file) == {"order 1", " 2", "3"}
    with pytest.raises(SetupError, match="not UTF-8 at line 2"):
        read_ids(write(tmp_path / "ids.txt", b"a\n\xff"))


def test_an_id_that_was_hashed_is_warned_of_as_it_was_written(tmp_path: Path) -> None:
    rows = (f"{place},{'Kasse' if place % 3 else f'c{place}'},2025-01-06 10:00,1,1" for place in range(600))
    mapping = parsed_mapping("shop.yaml", shop("customer_id: {column: customer, hash: true}"))
    history = read_history([EventFile(write(tmp_path / "a.csv", table(HEAD, *rows)), mapping)])
    assert "warning: customer 'Kasse' has 400 of 600 events (67%)" in history.sentences()[-1]


# -- rules over anything


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
