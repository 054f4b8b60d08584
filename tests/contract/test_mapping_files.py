"""The reference of mapping files: its examples come to what it says, and every key of the language is in it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from schemas.event import FEEDS
from streams.files.history import read_history
from streams.files.mapping import NOBODY, Cell, EventRule, Mapping, TimeRule, WhenCondition
from streams.files.mapping_file import builtin_names, parsed_mapping
from streams.files.reading import EventFile
from support.documents import text_of

REFERENCE = text_of("streams/mappings/README.md")
EXAMPLES = re.findall(r"```(csv|json)\n(.*?)```\n.*?```yaml\n(.*?)```\n\n(Comes to: .*?)\n", REFERENCE, re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "data", "mapping", "told"), EXAMPLES, ids=[mapping[:12] for _, _, mapping, _ in EXAMPLES]
)
def test_examples_come_to_what_is_said(kind: str, data: str, mapping: str, told: str, tmp_path: Path) -> None:
    encoding = "cp1252" if "encoding: cp1252" in mapping else "utf-8"
    file = tmp_path / ("a.jsonl" if kind == "json" else "a.csv")
    file.write_text(data, encoding=encoding)
    history = read_history([EventFile(file, parsed_mapping("mine.yaml", mapping))])
    (counts,) = history.counts
    numbers = {word.removesuffix("s"): int(count) for count, word in re.findall(r"(\d+) (\w+)", told)}
    returns = numbers.pop("return", 0)
    left_out, bad = (int(re.search(rf"{word} (\d+)", told)[1]) for word in ("left out", "bad"))  # type: ignore[index] # all have both
    assert dict(Counter(FEEDS[event.feed] for event in history.events)) == numbers, history.sentences()
    assert (counts.returns, counts.left_out_total, len(history.bad)) == (returns, left_out, bad)


def test_there_is_an_example_for_each_kind_of_file() -> None:
    assert [kind for kind, *_ in EXAMPLES] == ["csv", "json", "csv", "csv"]


def test_what_is_said_at_the_end_is_what_the_first_example_says(tmp_path: Path) -> None:
    _, data, mapping, _ = EXAMPLES[0]
    (tmp_path / "orders.csv").write_text(data, encoding="cp1252")
    source = EventFile(tmp_path / "orders.csv", parsed_mapping("mine.yaml", mapping))
    (told,) = re.findall(r"```\n(orders\.csv: .*?)```", REFERENCE, re.DOTALL)
    said = "\n".join(read_history([source]).sentences()).replace(f"{tmp_path}/", "")
    assert said + "\n" == told


@pytest.mark.parametrize(
    "struct", [Mapping, Cell, WhenCondition, TimeRule, EventRule], ids=lambda one: str(one.__name__)
)
def test_every_key_is_explained(struct: type[Mapping | Cell | WhenCondition | TimeRule | EventRule]) -> None:
    keys = set(struct.__struct_encode_fields__) - {"file_names"}  # ours alone: files that need no mapping to be named
    assert {key for key in keys if not re.search(rf"`(?:\{{)?{key}\b", REFERENCE)} == set()


def test_every_id_that_stands_for_nobody_is_named() -> None:
    assert {name for name in NOBODY if f"`{name}`" not in REFERENCE} == set()


def test_every_known_system_is_in_the_table() -> None:
    assert {name for name in builtin_names() if f"\n| `{name}` |" not in REFERENCE} == set()


def test_the_file_on_top_of_a_known_system_is_a_mapping() -> None:
    (own,) = (text for text in re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL) if "base:" in text)
    assert parsed_mapping("mine.yaml", own).zone == "Europe/Lisbon"
