"""Files and their mappings, bad lines kept, ids that come too often, lists of ids, names of files with a colon."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import FEEDS
from streams.cli.event_files import EVENT_FILE
from streams.errors import SetupError
from streams.files.counts import Frequent
from streams.files.edge import Edge
from streams.files.history import Rejects, read_history
from streams.files.id_list import read_ids
from streams.files.mapping_file import parsed_mapping
from streams.files.reading import EventFile
from support.builders import line, login, purchase
from support.exports import HEAD, lines, shop, table
from support.exports_systems import DESK, ticket

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
