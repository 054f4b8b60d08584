"""`churn-signals model`: the model in force, how good it is, and its versions for `replay --models`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import orjson
from rich.table import Table
from rich.text import Text

from models.calendar import date_of
from models.config import Basis
from models.customers.columns import NEVER
from models.customers.distributions import DISTRIBUTIONS, running_values
from models.customers.sketch import MIN_VALUES
from models.scoring.version import counted_of
from schemas.model_version import MODEL_NAME, ModelVersionV1
from streams.cli.output import OUTPUT, Output
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.settings import environment_settings
from streams.text.terminal import complain, say, say_json, terminal
from streams.text.wording import counted, written_day

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
@click.option("--explain", is_flag=True, help="The statistics as well: losses beside the baselines, experts, drift.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the statistics.")
def show(*, explain: bool, as_json: bool) -> int:
    """The newest version: what it learned, and how often what it foresaw came true."""
    from streams.readback.model_dump import label_lag_days, published_versions

    settings = environment_settings()
    newest = None
    for version in published_versions(settings):
        newest = version
    if newest is None and load_rules(settings).basis.learning is None:
        complain("no model: the catalogue says `model: off` (CHURN_CATALOGUE)")
        return EXIT_PROBLEM
    if newest is None:
        complain("no model yet: is a learner running (`doctor` says so), and is there enough history?")
        return EXIT_PROBLEM
    shown = shown_version(newest, label_lag_days(settings, newest), load_rules(settings).basis)
    if as_json:
        say_json(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    else:
        _print(shown, explain=explain)
    return EXIT_DONE


@model.command(epilog="\b\nExample:\n  churn-signals model dump --out models.jsonl")
@click.option("--out", type=OUTPUT, required=True, help="Where to write, a line each.")
def dump(*, out: Output) -> int:
    """Every version still on the topic, and which of them each review used."""
    from streams.readback.model_dump import dump as dump_lines

    count = 0
    with out:
        for line in dump_lines(environment_settings()):
            out.write(line + b"\n")
            count += 1
    say(counted(count, "line"))
    return EXIT_DONE


def shown_version(model: ModelVersionV1, lag_days: int | None, basis: Basis | None = None) -> dict[str, Any]:
    """What `--json` prints; without the basis of a catalogue nothing of constants that run."""
    # What learns takes a second and more to import: not for a help.
    from models.learning.churn import Committee
    from models.learning.summary import summary_of
    from models.scoring.scorer import EXPERTS

    found, committee = summary_of(model), Committee(model.committee)
    returned, churned = found.labels
    return {
        "version": found.version,
        "learned_until": found.learned_until,
        "question": {
            "horizon_days": committee.question.horizon_days,
            "risk_set_days": committee.question.risk_set_days,
        },
        "labels": {"returned": returned, "churned": churned},
        "label_lag_days": lag_days,
        "snapshots": found.snapshots,
        "censored": found.censored,
        "is_cold": found.is_cold,
        "experts": dict(zip(EXPERTS, committee.weights, strict=True)),
        "judged": None
        if found.judged is None
        else {
            "since": found.judged.since[:10],
            "given": found.judged.given,
            "worked_out": found.judged.worked_out,
        },
        "quality": {name: score._asdict() for name, score in found.scores.items()},
        "calibration": [row._asdict() for row in found.calibration],
        "drift": {
            name: [{"at": date_of(alarm.boundary), "was": alarm.was, "now": alarm.now} for alarm in alarms]
            for name, alarms in found.alarms.items()
        },
        "running": {} if basis is None else _running(model, basis),
    }


def _running(model: ModelVersionV1, basis: Basis) -> dict[str, Any]:
    """By name of a constant its value by this version, and how many values that is of."""
    known = counted_of(model)
    values = running_values(basis, known, NEVER)
    keys = {name: DISTRIBUTIONS[one.of].key(basis) for name, one in basis.running.items()}
    sizes = {} if known is None else {key: sum(count for _, count in counts) for key, counts in known.counts.items()}
    return {
        name: {"value": values[name], "quantile": one.quantile, "of": one.of, "values": sizes.get(keys[name], 0)}
        for name, one in basis.running.items()
    }


def _print(shown: dict[str, Any], *, explain: bool) -> None:
    console = terminal()
    for line in (*shown_lines(shown), *(statistics_lines(shown) if explain else ())):
        console.print(Text(line), soft_wrap=True)
    if not shown["quality"]:
        return
    if explain:
        console.print(_losses(shown))
    console.print(reliability_plot(shown["calibration"]))


def _losses(shown: dict[str, Any]) -> Table:
    table = Table("lately", *(_NAMES[measure] for measure in _NAMES), title="what was told against what happened")
    for name, score in shown["quality"].items():
        table.add_row(name.replace("_", " "), *(f"{score[measure]:.4f}" for measure in _NAMES))
    return table


def shown_lines(shown: dict[str, Any]) -> Iterator[str]:
    """What is said in sentences, without a word of statistics."""
    labels, question, lag = shown["labels"], shown["question"], shown["label_lag_days"]
    until = written_day(shown["learned_until"])
    yield f"model {shown['version']}, learned until {until}"
    yield (
        f"no purchase in {counted(question['horizon_days'], 'day')}, asked of customers whose last one is at most "
        f"{counted(question['risk_set_days'], 'day')} old"
    )
    yield (
        labels_told(labels["returned"], labels["churned"])
        + ("; still cold: it raises no alerts" if shown["is_cold"] else "")
    )
    if lag is None:
        yield "the partitions have told nothing since the newest label was learned"
    else:
        yield f"the newest label learned is {counted(lag, 'day')} behind what the partitions have told"
    yield _judged(shown)
    for name, one in shown["running"].items():
        yield f"{name} is {one['value']:,.10g}: {_of_what(one)}"
    if (worse := _is_beaten(shown)) is not None:
        yield "lately " + ("no better than a simple rule" if worse else "better than the best simple rule")


def _of_what(one: dict[str, Any]) -> str:
    """Of which values a running constant is what."""
    if one["values"] < MIN_VALUES:
        return f"of {one['of']} there must be {MIN_VALUES} values, and {one['values']} are known"
    return f"the {one['quantile']:g} quantile of {counted(one['values'], 'value')} of {one['of']}"


def _is_beaten(shown: dict[str, Any]) -> bool | None:
    """Whether a simple rule foresees as well; None while nothing is judged."""
    quality = dict(shown["quality"])
    own = quality.pop(MODEL_NAME, None)
    if own is None or not quality:
        return None
    return bool(own["log_loss"] > min(score["log_loss"] for score in quality.values()))


def statistics_lines(shown: dict[str, Any]) -> Iterator[str]:
    """What only those ask for who want to know how it is computed."""
    if shown["censored"] is not None:
        yield (
            f"censored: of {shown['snapshots']:,} snapshots {shown['censored']:.0%} wait for their outcome, "
            "or it came too late"
        )
    yield "experts: " + ", ".join(f"{name.replace('_', ' ')} {weight:.0%}" for name, weight in shown["experts"].items())
    for name, alarms in shown["drift"].items():
        yield f"drift of the {name.replace('_', ' ')}: {_changes(alarms)}"


def _judged(shown: dict[str, Any]) -> str:
    """Of what the quality is, or why there is none."""
    judged = shown["judged"]
    if judged is not None:
        since = written_day(judged["since"])
        return (
            f"judged: {judged['given'] + judged['worked_out']:,} forecasts from {since} on, {judged['given']:,} of "
            f"them given then, {judged['worked_out']:,} worked out later from what was known then"
        )
    if shown["quality"]:
        return "judged: the forecasts that were given"
    return f"judged: none yet; the first forecast is not {counted(shown['question']['horizon_days'], 'day')} old"


def labels_told(returned: int, churned: int) -> str:
    """How much was learned, in words."""
    return f"{returned:,} labels of customers who came back, {churned:,} of those who did not"


def _changes(alarms: list[dict[str, Any]]) -> str:
    if not alarms:
        return "none seen"
    last = alarms[-1]
    more = f", the last of {len(alarms)}" if len(alarms) > 1 else ""
    return f"{last['at']}, from {last['was']:.3f} to {last['now']:.3f}{more}"


def reliability_plot(rows: list[dict[str, float]]) -> Table:
    """What was foreseen (o) against what came true (x) on a line from 0 to 100 %: the nearer, the better."""
    plot = Table(
        "foreseen", "came true", "customers", f"0 %{'o foreseen, x came true':^{_WIDTH - 8}}100 %",
        title="of those foreseen to leave, how many did",
    )  # fmt: skip
    for row in rows:
        line = ["·"] * (_WIDTH + 1)
        line[round(row["happened"] * _WIDTH)] = "x"
        told = round(row["given"] * _WIDTH)
        line[told] = "o" if line[told] == "·" else "⊗"
        plot.add_row(f"{row['given']:.0%}", f"{row['happened']:.0%}", f"{row['rows']:,.0f}", "".join(line))
    return plot


_NAMES = {"log_loss": "log loss", "brier": "Brier", "ece": "ECE", "auc": "AUC", "bias": "bias"}
_WIDTH = 40
"""Columns of the reliability plot: the table fits into 80."""
