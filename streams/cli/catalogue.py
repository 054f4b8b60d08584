"""`churn-signals catalogue check FILE`: every mistake of a signal catalogue, with its line and the reason."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
import yaml

from models.catalogue.reader import CatalogueError
from streams.catalogue_file import default_text, placed, rules_of
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.settings import environment_settings


@click.group()
def catalogue() -> None:
    """Validate a signal catalogue, or show the one in the product."""


@catalogue.command(
    epilog="\b\nExamples:\n  churn-signals catalogue check mine.yaml\n  churn-signals catalogue check mine.yaml --json"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The mistakes as a JSON list.")
def check(*, file: Path, as_json: bool) -> int:
    """Say what is wrong with a catalogue, line by line; exit code 1 when anything is."""
    text = file.read_text()
    settings = environment_settings()
    found: list[dict[str, str | int]] = []
    try:
        rules = rules_of(text, settings)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        found = [{"line": line, "path": "", "reason": f"not YAML: {error.problem}"}]
    except yaml.YAMLError as error:
        found = [{"line": 1, "path": "", "reason": f"not YAML: {error}"}]
    except CatalogueError as error:
        found = [
            {"line": at.line, "path": ".".join(at.mistake.path), "reason": at.mistake.reason}
            for at in placed(error.mistakes, text)
        ]
    else:
        message = f"{file}: {len(rules.signals)} signals, no mistakes; catalogue {rules.hash}"
        click.echo("[]" if as_json else message)
        return EXIT_DONE
    if as_json:
        click.echo(orjson.dumps(found).decode())
    for row in [] if as_json else found:
        click.echo(f"{file}:{row['line']}: " + (f"{row['path']}: " if row["path"] else "") + str(row["reason"]))
    return EXIT_PROBLEM


@catalogue.command(epilog="\b\nExample:\n  churn-signals catalogue show > mine.yaml")
def show() -> int:
    """Print the catalogue in the product: the best start for one's own."""
    click.echo(default_text(), nl=False)
    return EXIT_DONE
