"""Mappings that cannot work are refused before the first line, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import SetupError
from streams.files.history import read_history
from streams.files.mapping_file import load_mapping, parsed_mapping
from streams.files.reading import EventFile
from support.exports import HEAD, shop, table

GOOD = shop()

FAULTS = [
    (shop("separator: ';;'"), "separator: ';;' is not one character. One character"),
    (shop("separator: ''"), "is not one character"),
    (shop("quote: ab"), "quote: 'ab' is not one character"),
    (shop("encoding: klingon"), "encoding: 'klingon' is none. utf-8, cp1252"),
    (shop("encoding: base64"), "encoding: 'base64' is none"),
    (shop('decimal: ","', 'thousands: ","'), "is the decimal sign too"),
    (shop("skip_lines: -1"), "is negative"),
    (shop("zone: Mars/Olympus"), "zone: 'Mars/Olympus' is no time zone. A time zone, as UTC or Europe/Berlin"),
    (shop("for_each: items"), "Say `format: json`"),
    (shop("format: json", "group_by: order"), "json has neither"),
    (shop("seperator: x"), "Did you mean separator"),
    (shop("nobody: {Opened?: yes}"), 'a name with a sign in it needs quotes: {"Opened?": yes}'),
    (shop("source: again"), "source stands here a second time, first in line "),
    (GOOD.replace("- type: purchase", "- type: purchaes"), "Did you mean purchase"),
    (GOOD.replace("amount:", "amout:"), "'amout' is no field. Did you mean amount"),
    (GOOD.replace(", items: {whole: items}", ""), "items is missing. A purchase needs it"),
    (GOOD.replace("{number: total}", "{number: total, whole: total}"), "from where in no way, or in several"),
    (GOOD.replace("{number: total}", "{}"), "from where in no way, or in several"),
    (GOOD.replace('"shop-{order}"', '"shop-{}"'), "{} names no column"),
    (GOOD.replace('"shop-{order}"', '"shop-order}"'), "expected '{'"),
    (shop(time="{column: time, format: '%Y-%m-%d %H:%M %Z'}"), "has %Z, and names of zones are ambiguous"),
    (shop(time="{column: time, format: '%d.%m. %H:%M'}"), "needs a year, a month and a day"),
    (shop(time="{column: time, format: '%Y-%m-%d %H:%M %p'}"), "has one of %I and %p"),
    (shop(time="{column: time, format: '%Y-%m-%d %q'}"), "has %q, which is not read"),
    (shop(time="{column: time, format: ISO8601}"), "is none of iso, epoch_s, epoch_ms, and has no %"),
    (shop(time="{format: iso}"), "needs a column, or a text"),
    (shop(time="{column: time, format: iso, invented_hours: [9, 9]}"), "9 to 9. Two hours of a day"),
    ("base: [shopify]", "base: must be a name. Built in: cdnow"),
    ("base: shopfy", "base: 'shopfy' is none. Did you mean shopify"),
    ("base: magento", "currency is missing. Write `currency: EUR`"),
    ("a: b: c", "line 1: not YAML: a second `: ` in the line"),
    ("- 1", "holds no keys"),
    ("", "the file is empty"),
    ("events: !!python/object:os.system {}", "tags are not read"),
    (GOOD.replace("purchase\n", "purchase\n    when: {order: {sings: zero}}\n"), "unknown field `sings`"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_a_fault_is_said_with_its_remedy(text: str, said: str) -> None:
    with pytest.raises(SetupError) as error:
        parsed_mapping("mine.yaml", text)
    assert str(error.value).startswith("mapping: mine.yaml: ")
    assert said in str(error.value)


HEADS = [
    (HEAD.replace("total", "sum"), "no column 'total'. The table has: order, customer, time, sum, items"),
    (HEAD.replace("total", "totals"), "Did you mean totals"),
    (f"{HEAD},total", "column 'total' more than once. Name the columns yourself"),
    (HEAD.replace(",", ";"), 'is `separator: ";"` meant'),
    (HEAD.replace(",", "\t"), "is `separator: tab` meant"),
]


@pytest.mark.parametrize(("head", "said"), HEADS, ids=[said[:30] for _, said in HEADS])
def test_a_head_that_does_not_fit_is_said_once_with_the_file(head: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table(head, "1,c1,2025-01-01 10:00,10.00,1,2"))
    with pytest.raises(SetupError) as error:
        read_history([EventFile(tmp_path / "a.csv", parsed_mapping("mine.yaml", GOOD))])
    assert str(tmp_path / "a.csv") in error.value.value
    assert said in str(error.value)


OTHERS = [
    (b"PK\x03\x04....", "is a ZIP archive or a spreadsheet"),
    (b"\xd0\xcf\x11\xe0....", "is a spreadsheet"),
    (b"\x1f\x8b\x08 no more", "cannot be read"),
    (b"\xef\xbb\xbf" + table(HEAD), "begins with the byte order mark of utf-8, the mapping says cp1252"),
    (table("order,Stra\xdfe", encoding="latin-1") * 2, None),
]


@pytest.mark.parametrize(("content", "said"), OTHERS, ids=[str(said)[:30] for _, said in OTHERS])
def test_what_is_no_text_is_said(content: bytes, said: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    encoding = "encoding: cp1252" if said is not None else "encoding: utf-8"
    with pytest.raises(SetupError, match=said or "names of the columns cannot be read .line 1.: not UTF-8 at line 1"):
        read_history([EventFile(tmp_path / "a.csv", parsed_mapping("mine.yaml", shop(encoding)))])


def test_a_mapping_that_is_no_text_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("source: x\nzone: Caf\xe9".encode("latin-1"))
    for name, said in (
        (str(tmp_path / "latin.yaml"), "line 2: the byte 0xe9 is not UTF-8"),
        (str(tmp_path), "is a folder, not a file"),
        ("a\0b", "cannot be read"),
        ("shopfy", "no file shopfy. Did you mean shopify"),
    ):
        with pytest.raises(SetupError, match=said):
            load_mapping(name)
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_mapping(str(tmp_path / "marked.yaml")).source == "shop"


def test_words_that_yaml_takes_for_something_else_are_words() -> None:
    mapping = parsed_mapping(
        "mine.yaml",
        "source: 007\nnobody: [no, 0, null, 1e3]\ncustomer_id: '{no}'\ntime: {column: on, format: iso}\nevents:\n"
        "  - {type: login, when: {off: [yes, 12:30, 010]}, data: {}}",
    )
    assert mapping.source == "007"
    assert mapping.nobody == ("no", "0", "null", "1e3")
    assert mapping.time.column == "on"
    assert mapping.events[0].when == {"off": ("yes", "12:30", "010")}
