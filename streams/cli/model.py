"""`churn-signals model`: the model in force, how good it is, and its versions for `replay --models`."""

from __future__ import annotations

from typing import IO, Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from models.learning.churn import Committee
from models.learning.learner import to_quality
from models.learning.scoring import EXPERTS
from schemas.model_version import MODEL_NAME, ModelVersionV1
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.settings import environment_settings

EXAMPLES = """\b
Examples:
  churn-signals model show
  churn-signals model show --json
  churn-signals model dump --out models.jsonl
"""


@click.group(epilog=EXAMPLES)
def model() -> None:
    """Show the model that was learned, or write its versions to a file."""


@model.command(epilog="\b\nExample:\n  churn-signals model show --json")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(*, as_json: bool) -> int:
    """The newest version: what it learned, and how good what it told has been, beside the baselines."""
    from streams.model_dump import published_versions

    newest = None
    for version in published_versions(environment_settings()):
        newest = version
    if newest is None:
        click.echo("churn-signals: no model yet: is a learner running, and is there enough history?", err=True)
        return EXIT_PROBLEM
    shown = _shown(newest)
    click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()) if as_json else _print(shown)
    return EXIT_DONE


@model.command(epilog="\b\nExample:\n  churn-signals model dump --out models.jsonl")
@click.option("--out", type=click.File("wb"), required=True, help="Where to write, a line each.")
def dump(*, out: IO[bytes]) -> int:
    """Every version still on the topic, and which of them each review used."""
    from streams.model_dump import dump as dump_lines

    count = 0
    with out:
        for line in dump_lines(environment_settings()):
            out.write(line + b"\n")
            count += 1
    click.echo(f"{count:,} lines")
    return EXIT_DONE


def _shown(version: ModelVersionV1) -> dict[str, Any]:
    committee = Committee(version.committee)
    returned, churned = committee.labels
    quality = {name: to_quality(state) for name, state in version.quality.items()}
    judged = quality[MODEL_NAME]
    return {
        "version": version.version,
        "learned_until": version.learned_until,
        "question": {
            "horizon_days": committee.question.horizon_days,
            "risk_set_days": committee.question.risk_set_days,
        },
        "labels": {"returned": returned, "churned": churned},
        "is_cold": committee.scorer().is_cold,
        "experts": dict(zip(EXPERTS, committee.weights, strict=True)),
        "quality": {name: one.score()._asdict() for name, one in quality.items()} if judged.rows else {},
        "calibration": [row._asdict() for row in judged.table()] if judged.rows else [],
    }


def _print(shown: dict[str, Any]) -> None:
    console = Console(highlight=False)
    labels, question = shown["labels"], shown["question"]
    console.print(f"model [bold]{shown['version']}[/bold], learned until {shown['learned_until'][:10]}")
    console.print(
        f"no purchase in {question['horizon_days']} days, asked of customers whose last one is at most "
        f"{question['risk_set_days']} days old"
    )
    console.print(
        f"{labels['returned']:,} labels of customers who came back, {labels['churned']:,} of those who did not"
        + ("; still cold: it raises no alerts" if shown["is_cold"] else "")
    )
    experts = ", ".join(f"{name.replace('_', ' ')} {weight:.0%}" for name, weight in shown["experts"].items())
    console.print(f"experts: {experts}")
    if not shown["quality"]:
        console.print("nothing it told is old enough to be judged")
        return
    table = Table("lately", *(_NAMES[measure] for measure in _NAMES), title="what was told against what happened")
    for name, score in shown["quality"].items():
        table.add_row(name.replace("_", " "), *(f"{score[measure]:.4f}" for measure in _NAMES))
    console.print(table)
    calibration = Table("told", "happened", "labels", title="calibration")
    for row in shown["calibration"]:
        calibration.add_row(f"{row['given']:.0%}", f"{row['happened']:.0%}", f"{row['rows']:,.0f}")
    console.print(calibration)


_NAMES = {"log_loss": "log loss", "brier": "Brier", "ece": "ECE", "auc": "AUC", "bias": "bias"}
