"""What comes of exports as other systems write them, to the line: events, what is left out, what is bad."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from schemas.event import FEEDS
from streams.files.history import History, read_history
from streams.files.mapping import Mapping
from streams.files.mapping_file import builtin_names, load_mapping, parsed_mapping
from streams.files.packed_history import read_packed
from streams.files.reading import EventFile
from support.exports import Export
from support.exports_systems import NESTED, SYSTEMS
from support.exports_tables import TABLES

EXPORTS = [*TABLES, *NESTED, *SYSTEMS]
MOST_LINES = 14
EACH = pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)


def mapping_of(export: Export) -> Mapping:
    return (
        load_mapping(export.mapping)
        if export.mapping in builtin_names()
        else parsed_mapping("mine.yaml", export.mapping)
    )


def source_of(export: Export, folder: Path) -> EventFile:
    file = folder / export.file
    file.write_bytes(export.content)
    return EventFile(file, mapping_of(export))


def feeds_of(history: History) -> dict[str, int]:
    return dict(Counter(FEEDS[event.feed] for event in history.events))


@EACH
def test_exactly_what_is_expected_comes_of_an_export(export: Export, tmp_path: Path) -> None:
    history = read_history([source_of(export, tmp_path)])
    (counts,) = history.counts
    told = "\n".join(history.sentences())
    assert feeds_of(history) == export.events, told
    assert dict(counts.bad) == export.bad, told
    assert (counts.returns, counts.left_out_total, counts.blank) == (export.returns, export.left_out, export.blank), (
        told
    )


@EACH
def test_every_record_is_made_left_out_or_bad(export: Export, tmp_path: Path) -> None:
    (counts,) = read_history([source_of(export, tmp_path)]).counts
    assert counts.records == counts.made + counts.left_out_total + sum(counts.bad.values())
    assert counts.records > 0


@EACH
def test_a_history_of_any_size_reads_the_same(export: Export, tmp_path: Path) -> None:
    source = source_of(export, tmp_path)
    whole, packed = read_history([source]), read_packed([source])
    assert list(whole.decoded()) == list(packed.replayed())
    assert packed.counts == whole.counts


def test_there_are_many_exports_and_their_mappings_are_short() -> None:
    own = [export.mapping for export in EXPORTS if export.mapping not in builtin_names()]
    assert len(EXPORTS) >= 40
    assert max(len(text.strip().splitlines()) for text in own) <= MOST_LINES - 2
    assert {export.name for export in SYSTEMS} | {"cdnow"} == set(builtin_names())


def test_a_person_has_the_same_id_in_every_system_that_knows_the_address(tmp_path: Path) -> None:
    ids = [{event.customer_id for event in read_history([source_of(export, tmp_path)]).decoded()} for export in SYSTEMS]
    assert len(set.intersection(*ids)) == 1
