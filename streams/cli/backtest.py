"""`churn-signals backtest FILE…`: on-line learning over history, honest about time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click
import orjson

from models.labels import BINS, MAX_HORIZON_DAYS, MAX_RISK_SET_DAYS, Question
from streams.cli.event_files import OLD_FILE, files_argument, paths_read, rejecting, rejects_option, settings_with
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.reading import EventFile
from streams.text.terminal import say_json, terminal

if TYPE_CHECKING:
    from models.learning.backtest import Backtest
    from streams.backtesting import Prepared

EXAMPLES = """\b
Examples:
  churn-signals backtest events.jsonl.gz --horizon-days 60 --risk-set-days 90
  churn-signals backtest CDNOW_master.txt --horizon-days 90 --risk-set-days 180 --report out.json --html out.html
  churn-signals backtest events.jsonl.gz --horizon-days 60 --risk-set-days 90 --compare lightgbm,bgnbd
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _BacktestOptions:
    """What the command line says."""

    files: tuple[EventFile, ...]
    mapping_name: str | None
    rejects: Output | None
    horizon_days: int
    risk_set_days: int
    step_days: int
    first_snapshot: datetime | None
    evaluate_from: datetime | None
    predictions: Output | None
    report_file: Output | None
    html: Output | None
    compare: str
    catalogue: Path | None
    as_json: bool


@click.command(epilog=EXAMPLES)
@files_argument
@click.option("--horizon-days", type=click.IntRange(BINS, MAX_HORIZON_DAYS), required=True, help="H: days without.")
@click.option(
    "--risk-set-days", type=click.IntRange(1, MAX_RISK_SET_DAYS), required=True, help="R: oldest last purchase scored."
)
@click.option(
    "--step-days", type=click.IntRange(1, 365), default=7, show_default=True, help="From snapshot to snapshot."
)
@click.option("--first-snapshot", type=click.DateTime(["%Y-%m-%d"]), help="First day scored; a Monday after a week.")
@click.option("--evaluate-from", type=click.DateTime(["%Y-%m-%d"]), help="First day judged; without it 1.5 H later.")
@click.option("--predictions", type=OUTPUT, help="Write every probability: CSV.")
@click.option("--report", "report_file", type=OUTPUT, help="Write all numbers: JSON.")
@click.option("--html", type=OUTPUT, help="Write a page for people.")
@click.option("--compare", default="", help="Refit these beside it: lightgbm, bgnbd, or both with a comma.")
@click.option("--catalogue", type=OLD_FILE, help="Feeds, money, prior.")
@rejects_option
@click.option("--json", "as_json", is_flag=True, help="The numbers as JSON instead of tables.")
def backtest(**given: Any) -> int:
    """Learn on line over event files: each score from what was known then, judged when its horizon is over."""
    # What learns takes a second and more to import: not for a help.
    from streams.backtesting import Wanted, prepare, run_backtest, told
    from streams.comparison.refitting import check

    asked = _BacktestOptions(**given)
    read = [*paths_read(asked.files, asked.mapping_name), asked.catalogue]
    refuse_overwriting(read, [asked.predictions, asked.report_file, asked.html, asked.rejects])
    compared = [name.strip() for name in asked.compare.split(",") if name.strip()]
    check(compared)
    started = perf_counter()
    settings = settings_with(asked.catalogue)
    question = Question(asked.horizon_days, asked.risk_set_days)
    wanted = Wanted(question, asked.step_days, asked.first_snapshot, asked.evaluate_from)
    with rejecting(asked.rejects) as rejects:
        prepared = prepare(asked.files, asked.mapping_name, settings, wanted, rejects=rejects)
    run, others = run_backtest(prepared, compared)
    _write(asked, prepared, run, told(prepared, run, others), perf_counter() - started)
    return EXIT_PROBLEM if prepared.history.bad else EXIT_DONE


def _write(asked: _BacktestOptions, prepared: Prepared, run: Backtest, result: dict[str, Any], took_s: float) -> None:
    """Write what was asked for, and say how it went."""
    from streams.backtesting import write_predictions
    from streams.report.backtest_text import print_report

    if asked.predictions is not None:
        with asked.predictions:
            write_predictions(asked.predictions.write, prepared, run)
    if asked.report_file is not None:
        with asked.report_file:
            asked.report_file.write(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    if asked.html is not None:
        from streams.report.backtest_page import page

        asked.html.write_all(page(result))
    if asked.as_json:
        say_json(orjson.dumps(result))
    else:
        print_report(terminal(), result, took_s)
