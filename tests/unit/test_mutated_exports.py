"""Exports with random damage: only the named errors, every record accounted for, in time that grows with the size."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import SetupError
from streams.files.counts import FileCounts
from streams.files.mapping_file import parsed_mapping
from streams.files.reading import Bad, EventFile, read_file
from support.damage import damaged, nested, orders, tickets
from support.exports import HEAD, packed, shop, table
from support.exports_systems import DESK, ITEMS

LINES = 100_000
FEWER = 12_000


def read(file: Path, mapping: str) -> FileCounts:
    """Read a file to its end; only the named errors may come out."""
    counts = FileCounts(file)
    for found in read_file(EventFile(file, parsed_mapping("mine.yaml", mapping)), counts):
        if isinstance(found, Bad):
            assert found.raw
            assert str(found.error)
    assert counts.records == counts.made + counts.left_out_total + sum(counts.bad.values())
    return counts


CASES = pytest.mark.parametrize(
    ("make", "mapping"),
    [(orders, shop()), (orders, shop("group_by: customer")), (tickets, DESK), (nested, ITEMS)],
    ids=["tables", "grouped tables", "JSON Lines", "lists in JSON Lines"],
)


@CASES
def test_damaged_lines_are_bad_and_the_others_are_read(
    make: Callable[[int], bytes], mapping: str, tmp_path: Path, *, is_full: bool
) -> None:
    count = LINES if is_full else FEWER
    (tmp_path / "a.txt").write_bytes(damaged(make(count), random.Random(count)))
    format_ = "" if "format: json" in mapping else "\nformat: csv"
    counts = read(tmp_path / "a.txt", mapping + format_)
    assert counts.bad
    if "group_by" not in mapping:
        assert counts.made > count * 0.8


def test_a_quote_that_opens_in_line_after_line_costs_no_more_than_the_lines(tmp_path: Path) -> None:
    """Each line could swallow all that follow: read again line by line that would cost the square."""
    seconds = []
    for count in (4_000, 16_000):
        rows = (f'{place},c1,2025-01-05 10:00,5.00,1,"c' for place in range(count))
        (tmp_path / "a.csv").write_bytes(table(f"{HEAD},note", *rows))
        begun = time.process_time()
        counts = read(tmp_path / "a.csv", shop())
        seconds.append(time.process_time() - begun)
        assert counts.bad
    assert seconds[1] < 12 * seconds[0] + 0.5


@pytest.mark.parametrize("cut", [1, 9, 100, 1_000])
def test_a_file_that_was_cut_off_is_refused_as_a_whole(tmp_path: Path, cut: int) -> None:
    content = packed(orders(500))
    (tmp_path / "a.csv").write_bytes(content[:-cut])
    with pytest.raises(SetupError, match=r"a\.csv cannot be read"):
        read(tmp_path / "a.csv", shop())


def test_damaged_gzip_is_refused_or_read(tmp_path: Path, *, is_full: bool) -> None:
    content, chance = packed(orders(60)), random.Random(7)
    refused = 0
    for _ in range(2_000 if is_full else 150):
        changed = bytearray(content)
        changed[chance.randrange(2, len(changed))] = chance.randrange(256)
        (tmp_path / "a.csv").write_bytes(changed)
        try:
            read(tmp_path / "a.csv", shop())
        except SetupError:
            refused += 1
    assert refused
