"""`churn-signals schemas export`: the contract for other languages."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
import yaml

from schemas.export import asyncapi, json_schemas
from schemas.topics import Topics
from streams.cli.output import writing
from streams.text.terminal import say


@click.group()
def schemas() -> None:
    """Export JSON Schemas and AsyncAPI."""


@schemas.command(epilog="\b\nExample:\n  churn-signals schemas export --to contract")
@click.option("--to", "folder", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--prefix", default=Topics().prefix, show_default=True, help="Of the topics' names in AsyncAPI.")
def export(*, folder: Path, prefix: str) -> None:
    """Write DIR/json/*.json (JSON Schema 2020-12) and DIR/asyncapi.yaml (AsyncAPI 3.0); files there are replaced."""
    for name, content in exported_files(prefix).items():
        file = folder / name
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        say(file)


def exported_files(prefix: str) -> dict[str, bytes]:
    """Return the files of an export: path below the folder, and content."""
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    found = {f"json/{name}.json": orjson.dumps(schema, option=pretty) for name, schema in json_schemas().items()}
    document = yaml.safe_dump(asyncapi(prefix), sort_keys=False, allow_unicode=True, width=110)
    return found | {"asyncapi.yaml": document.encode()}
