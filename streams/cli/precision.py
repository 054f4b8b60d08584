"""`churn-signals precision FILE…|--live`: how often signals are right, and stricter thresholds to think about."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from models.precision import Evidence
from schemas.alert import AlertV1
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1
from streams.cli.event_files import OLD_FILE, settings_with
from streams.cli.published import read_or_live, say_none
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.files.published import record_of
from streams.report.encoding import indented
from streams.report.precision import PrecisionReport, proposed, sentence
from streams.report.precision_text import print_report
from streams.settings import Settings
from streams.text.terminal import say_json, terminal

EXAMPLES = """\b
Examples:
  churn-signals precision --live
  churn-signals replay events.jsonl.gz --commands commands.jsonl --alerts alerts.jsonl \\
      --suppressed held.jsonl --receipts receipts.jsonl --outcomes outcomes.jsonl
  churn-signals precision alerts.jsonl held.jsonl receipts.jsonl outcomes.jsonl --json
"""

OF_REPLAY: Final = (
    "`replay FILE --alerts … --suppressed … --receipts … --outcomes …` writes what is judged here; event files are for "
    "`signals`"
)
OF_WORKERS: Final = "workers send them at midnights (`churn-signals doctor` says whether one runs)"


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, type=OLD_FILE, metavar="[FILE]...")
@click.option("--live", is_flag=True, help="Read the topics instead of files.")
@click.option("--catalogue", type=OLD_FILE, help="Whose signals are judged; without it those in force.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def precision(*, files: tuple[Path, ...], live: bool, catalogue: Path | None, as_json: bool) -> int:
    """Say how often each signal was right: by what people said, and by what came of those held out.

    FILE holds what is published, a record a line, in any mixture: alerts, alerts that were held, receipts, outcomes. A
    stricter threshold is proposed where it would have dropped false alarms rather than right ones; nothing applies it.
    Leaves with 1 if lines are bad or there is nothing to judge.
    """
    if live == bool(files):
        raise click.UsageError("give files of alerts, held alerts, receipts and outcomes, or --live, and not both")
    settings = settings_with(catalogue)
    rules = load_rules(settings)
    records, bad = read_or_live(files, "alert, held alert, receipt or outcome", record_of, lambda: _live(settings))
    evidence = Evidence()
    for record in records:
        evidence.add(record)
    signals = {signal.id: signal for signal in rules.signals}
    found = evidence.judged({name: signal.score.worse for name, signal in signals.items()})
    report = PrecisionReport(
        files=tuple(str(file) for file in files),
        bad_lines=bad,
        catalogue=rules.hash,
        program=version("churn-signals"),
        signals=found,
        says=tuple(map(sentence, found)),
        proposes=tuple(proposed(one, signals) for one in found),
    )
    say_json(indented(report)) if as_json else print_report(terminal(), report)
    is_known = any(one.alerts for one in found)
    if not is_known:
        say_none(files, "alert", of_replay=OF_REPLAY, of_workers=OF_WORKERS)
    return EXIT_PROBLEM if bad or not is_known else EXIT_DONE


def _live(settings: Settings) -> Iterator[AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1]:
    from streams.readback.became import read_became  # Kafka's client takes a while to import

    return read_became(settings)
