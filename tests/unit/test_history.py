"""Event files: read, merged, moved."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from schemas.codec import decode_line
from schemas.event import Event, Ticket
from streams.errors import SetupError
from streams.files.edge import Edge
from streams.files.history import days_until_yesterday, read_history, shifted
from streams.files.mapping_file import load_mapping
from support.builders import DAY_MS, HOUR_MS, NOON_MS, email, line, login, purchase, ticket


def write(path: Path, *lines: bytes) -> Path:
    content = b"".join(one + b"\n" for one in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_events(*files: Path) -> list[Event]:
    return list(read_history(files).decoded())


def test_files_are_merged_by_time_then_feed_then_place_in_the_files(tmp_path: Path) -> None:
    late = login(at_ms=NOON_MS + 1)
    first = write(tmp_path / "a.jsonl", line(late), line(email()), line(login("c2")))
    second = write(tmp_path / "b.jsonl.gz", line(login("c1")), line(ticket()), line(purchase()))
    assert read_events(first, second) == [purchase(), login("c2"), login("c1"), ticket(), email(), late]


def test_values_are_posted_as_they_stand_in_the_file(tmp_path: Path) -> None:
    odd = line(login()).replace(b'"data":{}', b'"data": { "unknown": 1 }')
    history = read_history([write(tmp_path / "a.jsonl", odd)])
    assert [event.value for event in history.events] == [odd]
    assert [event.key for event in history.events] == [b"c1"]


def test_bad_lines_are_told_by_file_line_and_reason(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line(login()), b"", b"{", line(purchase()).replace(b"20.0", b"-1"))
    history = read_history([file])
    assert len(history.events) == 1
    assert [(bad.line, bad.error.reason) for bad in history.bad] == [(3, "not_json"), (4, "bad_money")]
    assert str(history.bad[1]).startswith(f"{file}:4: bad_money at data.amount")


def test_oldest_event_of_each_feed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line(login()), line(login(at_ms=NOON_MS - 1)), line(email()))
    assert read_history([file]).oldest_ms() == {1: NOON_MS - 1, 3: NOON_MS}


def test_history_moved_to_now_ends_yesterday_at_the_same_time_of_day(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line(purchase(at_ms=NOON_MS - 3 * DAY_MS)), line(login()))
    now_ms = NOON_MS + 500 * DAY_MS - HOUR_MS
    history = read_history([file])
    moved = shifted(history, days_until_yesterday(history, now_ms))
    assert [event.time_ms for event in moved.events] == [NOON_MS + 496 * DAY_MS, NOON_MS + 499 * DAY_MS]
    assert list(moved.decoded())[1] == login(at_ms=NOON_MS + 499 * DAY_MS, id=login().id)


def test_derived_ids_stay_derived_when_history_moves(tmp_path: Path) -> None:
    without_id = line(login()).replace(b'"id":"%s",' % login().id.encode(), b"")
    history = read_history([write(tmp_path / "a.jsonl", without_id)])
    (moved,) = shifted(history, 1).events
    assert b'"id"' not in moved.value
    assert decode_line(moved.value).id_derived


def test_events_in_the_future_are_bad_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line(login()), line(login(at_ms=NOON_MS + HOUR_MS)))
    history = read_history([file], check=Edge(NOON_MS, NOON_MS).check)
    assert len(history.events) == 1
    assert [(bad.line, bad.error.reason) for bad in history.bad] == [(2, "future")]


def test_cdnow_is_recognised_by_its_name_and_times_of_day_are_the_same_every_time(tmp_path: Path) -> None:
    rows = (
        b" customer_id  date number_of_cds  dollar_value",
        b" 00002 19970112  1   12.00",
        b" 00002 19970112  5   77.00",
    )
    file = write(tmp_path / "CDNOW_master.txt", *rows)
    history = read_history([file])
    first, second = sorted(history.decoded(), key=lambda event: event.id)
    assert not history.bad
    assert (first.id, second.id) == ("cdnow-p-2-1997-01-12-0", "cdnow-p-2-1997-01-12-1")
    assert first.customer_id == "2"
    assert second.data == purchase(order_id="2-1997-01-12-1", amount=77.0, currency="USD", items=5, channel="web").data
    assert first.time_ms // DAY_MS == second.time_ms // DAY_MS == 9873
    assert first.time_ms != second.time_ms
    assert read_history([file]).events == history.events


def test_bad_rows_of_a_table_are_told_like_bad_lines(tmp_path: Path) -> None:
    rows = (
        b"names",
        b"00002 19970112 1 12.00",
        b"00002 1997-01-12 1 12.00",
        b"00003 19970112 1",
        b"00004 19970112 0 9",
    )
    history = read_history([write(tmp_path / "CDNOW_master.txt", *rows)])
    assert len(history.events) == 1
    assert [(bad.line, bad.error.reason) for bad in history.bad] == [
        (3, "bad_time"),
        (4, "wrong_type"),
        (5, "out_of_range"),
    ]


MAPPING = """
source: uci
customer_id: "{customer_id}"
time: {column: ts, format: "%Y-%m-%d %H:%M:%S", zone: Europe/London}
events:
  - when: {type: return}
    type: ticket
    id: "r-{ref}"
    data: {ticket_id: "{ref}", action: opened, category: return}
  - type: purchase
    when: {type: purchase}
    data: {order_id: "{ref}", amount: {number: amount}, currency: GBP, items: {whole: lines}}
"""


def test_one_table_may_hold_several_kinds_of_event(tmp_path: Path) -> None:
    (tmp_path / "uci.yaml").write_text(MAPPING)
    rows = (
        b"ts,customer_id,type,amount,lines,ref",
        b"2011-06-01 09:00:00,17850,purchase,139.12,7,536365",
        b'2011-06-01 10:00:00,17850,return,"-27.50",1,C536379',
        b"2011-06-01 11:00:00,17850,visit,0,0,x",
    )
    file = write(tmp_path / "uci.csv.gz", *rows)
    bought, returned = read_history([file], load_mapping(str(tmp_path / "uci.yaml"))).decoded()
    assert bought.time_ms == 1_306_915_200_000  # 09:00 in London in summer is 08:00 UTC
    assert bought.id_derived
    assert isinstance(returned.data, Ticket)
    assert (returned.id, returned.data.category) == ("r-C536379", "return")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("source: [", "uci.yaml"),
        (MAPPING.replace("events:", "event:"), "event"),
        ("- 1", "object"),
        (MAPPING.replace("Europe/London", "London"), "time.zone: 'London'"),
        (MAPPING.replace('"{customer_id}"', "customer_id"), "names no column"),
        (MAPPING.replace('"r-{ref}"', '"r-{ref"'), "expected '}'"),
    ],
)
def test_mistake_in_a_mapping_is_a_setup_error(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "uci.yaml").write_text(text)
    with pytest.raises(SetupError, match=word):
        load_mapping(str(tmp_path / "uci.yaml"))


SHOP = """
source: shop
separator: ";"
decimal: ","
customer_id: "{Kunde}"
time: {column: Datum, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
events:
  - type: purchase
    id: "shop-{Nr}"
    data: {order_id: "{Nr}", amount: {number: Betrag}, currency: EUR, items: {whole: Artikel}}
"""


def test_export_of_a_spreadsheet_with_decimal_commas_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    head = "\ufeffNr;Kunde;Datum;Betrag;Artikel\r".encode()
    file = write(tmp_path / "orders.csv", head, b"B-1;5b2a;20.07.2025 16:32;1.030,56;5\r")
    bought = purchase("5b2a", 1_753_021_920_000, id="shop-B-1", order_id="B-1", amount=1030.56, currency="EUR", items=5)
    (found,) = read_history([file], load_mapping(str(tmp_path / "shop.yaml"))).decoded()
    assert (found.id, found.customer_id, found.time_ms, found.data) == ("shop-B-1", "5b2a", bought.time_ms, bought.data)


def test_a_column_the_table_does_not_have_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP.replace("number: Betrag", "number: Preis"))
    file = write(tmp_path / "orders.csv", b"Nr;Kunde;Datum;Betrag;Artikel", b"B-1;5b2a;20.07.2025 16:32;30,56;5")
    with pytest.raises(SetupError, match=r"no column 'Preis'\. The table has: Nr, Kunde, Datum"):
        read_history([file], load_mapping(str(tmp_path / "shop.yaml")))


def test_amounts_that_will_not_count_and_feeds_that_will_be_waited_for_are_said(tmp_path: Path) -> None:
    history = read_history([write(tmp_path / "a.jsonl", line(purchase(currency="EUR")), line(login()))])
    (sentence,) = history.without_rate({"USD": 1.0})
    assert "no rate for EUR: 1 of the amounts" in sentence
    assert history.without_rate({"EUR": 1.0}) == []
    (sentence,) = history.without_events((0, 1, 2, 3))
    assert "no ticket, email events here" in sentence
    assert history.without_events((0, 1)) == []
    assert read_history([]).without_events((0, 1)) == []


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    told = read_history([write(tmp_path / "a.jsonl", *[b"{"] * 23)]).bad_sentences()
    assert "a.jsonl:1: not_json" in told[0]
    assert told[20:] == ["and 3 more bad lines"]


def test_unknown_mapping_names_the_built_in_ones() -> None:
    with pytest.raises(SetupError, match="cdnow"):
        load_mapping("cd-now")


def test_table_without_a_mapping_and_broken_gzip_are_setup_errors(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--mapping"):
        read_history([write(tmp_path / "a.csv", b"1,2")])
    broken = tmp_path / "a.jsonl.gz"
    broken.write_bytes(gzip.compress(line(login()))[:-9])
    with pytest.raises(SetupError, match="cannot be read"):
        read_history([broken])
