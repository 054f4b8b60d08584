"""`churn-signals backtest FILE…`: on-line learning over history, honest about time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from time import perf_counter

import click
import orjson

from models.labels import BINS, MAX_HORIZON_DAYS, MAX_RISK_SET_DAYS, Question
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.settings import environment_settings
from streams.terminal import complain, say_json, terminal

EXAMPLES = """\b
Examples:
  churn-signals backtest events.jsonl.gz --horizon-days 60 --risk-set-days 90
  churn-signals backtest CDNOW_master.txt --horizon-days 90 --risk-set-days 180 --report out.json --html out.html
  churn-signals backtest events.jsonl.gz --horizon-days 60 --risk-set-days 90 --compare lightgbm,bgnbd
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
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
@click.option("--mapping", "mapping_name", help="How tables become events: a YAML file, or a built-in name (cdnow).")
@click.option("--catalogue", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Feeds, money, prior.")
@click.option("--json", "as_json", is_flag=True, help="The numbers as JSON instead of tables.")
def backtest(  # noqa: PLR0913 - one for each option
    *,
    files: tuple[Path, ...],
    horizon_days: int,
    risk_set_days: int,
    step_days: int,
    first_snapshot: datetime | None,
    evaluate_from: datetime | None,
    predictions: Output | None,
    report_file: Output | None,
    html: Output | None,
    compare: str,
    mapping_name: str | None,
    catalogue: Path | None,
    as_json: bool,
) -> int:
    """Learn on line over event files: each score from what was known then, judged when its horizon is over."""
    # What learns takes a second and more to import: not for a help.
    from streams.backtesting import Wanted, prepare, run_backtest, told, write_predictions
    from streams.comparison.refitting import check
    from streams.report.backtest_text import print_report

    refuse_overwriting([*files, catalogue], [predictions, report_file, html])
    compared = [name.strip() for name in compare.split(",") if name.strip()]
    check(compared)
    started = perf_counter()
    settings = environment_settings()
    if catalogue is not None:
        settings = settings.replace(catalogue=catalogue)
    question = Question(horizon_days, risk_set_days)
    prepared = prepare(files, mapping_name, settings, Wanted(question, step_days, first_snapshot, evaluate_from))
    for bad in prepared.history.bad_told():
        complain(bad)
    run, others = run_backtest(prepared, compared)
    result = told(prepared, run, others)
    if predictions is not None:
        with predictions:
            write_predictions(predictions.write, prepared, run)
    if report_file is not None:
        with report_file:
            report_file.write(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    if html is not None:
        from streams.report.backtest_page import page

        with html:
            html.write(page(result).encode())
    if as_json:
        say_json(orjson.dumps(result))
    else:
        print_report(terminal(), result, perf_counter() - started)
    return EXIT_PROBLEM if prepared.history.bad else EXIT_DONE
