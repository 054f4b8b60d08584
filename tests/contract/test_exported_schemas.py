"""What is checked in for other languages is what the types say, and what the decoder does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.event import FEEDS
from schemas.export import asyncapi, json_schemas
from schemas.topics import topic_table
from streams.cli.schemas import exported_files
from support.corpus import good_cases
from support.program import run

FOLDER = Path(__file__).parents[2] / "schemas"
REMEDY = "run: churn-signals schemas export --to schemas"


def test_checked_in_files_are_what_the_types_say() -> None:
    exported = exported_files("churn")
    checked_in = {str(path.relative_to(FOLDER)) for path in [*FOLDER.glob("json/*"), FOLDER / "asyncapi.yaml"]}
    assert checked_in == set(exported), REMEDY
    for name, content in exported.items():
        assert (FOLDER / name).read_bytes() == content, f"{name} differs; {REMEDY}"


def test_command_writes_all_files(tmp_path: Path) -> None:
    outcome = run("schemas", "export", "--to", str(tmp_path), "--prefix", "acme")
    assert outcome.code == 0, outcome.err
    document = yaml.safe_load((tmp_path / "asyncapi.yaml").read_text())
    assert document == asyncapi("acme")
    assert len(list((tmp_path / "json").glob("*.json"))) == len(json_schemas())


def test_asyncapi_has_a_channel_for_every_topic_and_its_references_lead_somewhere() -> None:
    document = asyncapi()
    assert {channel["address"] for channel in document["channels"].values()} == {one.name for one in topic_table()}
    references = re.findall(r"'\$ref': '([^']+)'", str(document))
    assert len(references) > 2 * len(topic_table())
    for reference in references:
        if reference.startswith("#/"):
            _, kind, *path = reference.split("/")
            found: Any = document[kind]
            for part in path:
                found = found[part]
        else:
            assert (FOLDER / reference).is_file()


@pytest.mark.parametrize("name", json_schemas())
def test_every_schema_describes_its_fields(name: str) -> None:
    schema = json_schemas()[name]
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["description"]
    assert set(schema["required"]) <= set(schema["properties"])


PLAIN = [case for case in good_cases() if not case.headers and case.value.lstrip().startswith(b'{"id"')]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_good_example_fits_its_schema(case: Any) -> None:
    """Fields, requiredness and closed sets by hand: enough to see that schema and decoder speak of the same fields."""
    schema = json_schemas()[f"event.{FEEDS[case.feed]}.v1"]
    record = json.loads(case.value)
    assert set(schema["required"]) <= set(record)
    (name,) = schema["$defs"]
    inner = schema["$defs"][name]
    assert set(inner.get("required", [])) <= set(record["data"])
    for field, rule in [*schema["properties"].items(), *inner["properties"].items()]:
        content = record.get(field, record["data"].get(field))
        if "enum" in rule and content is not None:
            assert content in rule["enum"]
        if "pattern" in rule:
            assert re.fullmatch(rule["pattern"], content)
