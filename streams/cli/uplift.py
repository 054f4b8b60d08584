"""`churn-signals uplift FILE…|--live`: of customers tried, how many more came back of those told."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from models.catalogue.rules import Rules
from models.uplift import uplift as judge
from schemas.outcome import OutcomeV1
from streams.cli.event_files import OLD_FILE, settings_with
from streams.cli.number import NumberRange
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.cli.published import read_or_live, say_none
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.files.published import outcome_of
from streams.report.encoding import indented
from streams.report.uplift import MadeFromOutcomes, UpliftReport, report_on
from streams.report.uplift_text import print_report
from streams.settings import Settings
from streams.text.terminal import complain, say_json, terminal

EXAMPLES = """\b
Examples:
  churn-signals uplift --live
  churn-signals uplift --live --smallest 3 --html uplift.html
  churn-signals replay events.jsonl.gz --outcomes outcomes.jsonl
  churn-signals uplift outcomes.jsonl --json
"""

NOUN: Final = "outcome of an experiment"
OF_REPLAY: Final = (
    "`replay FILE --outcomes outcomes.jsonl` writes one for each alert of a signal with `experiment: {holdout}` whose "
    "horizon is over"
)
OF_WORKERS: Final = (
    "workers send one for each alert of a signal with `experiment: {holdout}` once its horizon is over "
    "(`churn-signals doctor` says whether one runs)"
)


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, type=OLD_FILE, metavar="[FILE]...")
@click.option("--live", is_flag=True, help="Read the topic of outcomes instead of files.")
@click.option("--catalogue", type=OLD_FILE, help="Whose signals are tried; without it those in force.")
@click.option(
    "--smallest",
    type=NumberRange(0, 100, min_open=True, max_open=True),
    default=5.0,
    show_default=True,
    metavar="POINTS",
    help="The smallest difference worth seeing, in points of per cent.",
)
@click.option("--html", type=OUTPUT, help="Write a page for people.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def uplift(
    *,
    files: tuple[Path, ...],
    live: bool,
    catalogue: Path | None,
    smallest: float,
    html: Output | None,
    as_json: bool,
) -> int:
    """Say what telling is worth: who came back of those told, against those held out by chance, by signal.

    FILE holds outcomes of experiments, one a line, as `replay --outcomes` writes them and as they are on their topic.
    Leaves with 1 if lines are bad or there is nothing to judge.
    """
    if live == bool(files):
        raise click.UsageError("give files of outcomes (`replay --outcomes`), or --live, and not both")
    refuse_overwriting([*files, catalogue], [html])
    settings = settings_with(catalogue)
    rules = load_rules(settings)
    outcomes, bad = read_or_live(files, NOUN, outcome_of, lambda: _live(settings))
    tried = [signal.id for signal in rules.signals if signal.holdout]
    found = judge(outcomes, tried, smallest / 100)
    made = MadeFromOutcomes(tuple(str(file) for file in files), bad, rules.hash, version("churn-signals"))
    _tell(report_on(made, found), rules, html, as_json=as_json)
    if not found.trials:
        say_none(files, NOUN, of_replay=OF_REPLAY, of_workers=OF_WORKERS)
    return EXIT_PROBLEM if bad or not found.trials else EXIT_DONE


def _live(settings: Settings) -> Iterator[OutcomeV1]:
    from streams.readback.became import read_outcomes  # Kafka's client takes a while to import

    return read_outcomes(settings)


def _tell(report: UpliftReport, rules: Rules, html: Output | None, *, as_json: bool) -> None:
    """Write what was asked for, and say what was found."""
    if not any(signal.holdout for signal in rules.signals):
        complain("the catalogue holds nobody out (`experiment: {holdout}`): no new trials begin")
    if html is not None:
        from streams.report.uplift_page import uplift_page  # what draws takes a second to import

        html.write_all(uplift_page(report))
    say_json(indented(report)) if as_json else print_report(terminal(), report)
