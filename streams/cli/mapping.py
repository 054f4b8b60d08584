"""`churn-signals mapping try|guess|show`: look at what a mapping makes of a file before anything is posted."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from operator import itemgetter
from pathlib import Path
from typing import Final

import click
import orjson

from models.catalogue.currencies import amount_of, digits_of, minor_units
from schemas.errors import RejectedError
from schemas.event import Event, Purchase
from schemas.instant import to_rfc3339
from streams.cli.event_files import EVENT_FILE, MAPPING_HELP, OLD_FILE, paths_read
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.files.bad_line import BadLine
from streams.files.counts import FileCounts, Frequent
from streams.files.guess import guessed
from streams.files.history import SHOWN_BAD_LINES, with_mappings
from streams.files.mapping_file import builtin_names, builtin_text, load_mapping
from streams.files.reading import Bad, EventFile, bytes_of, read_file
from streams.text.terminal import say, say_json
from streams.text.wording import counted

TRY_EXAMPLES: Final = """\b
Examples:
  churn-signals mapping try orders.csv --mapping shop.yaml
  churn-signals mapping try orders_export.csv:shopify --events 20
  churn-signals mapping try orders.csv:shop.yaml --ids customers.csv
"""
GUESS_EXAMPLES: Final = """\b
Example:
  churn-signals mapping guess orders.csv > shop.yaml
"""
SHOW_EXAMPLES: Final = """\b
Examples:
  churn-signals mapping show
  churn-signals mapping show shopify > mine.yaml
"""


@click.group()
def mapping() -> None:
    """See what a mapping makes of a file; have one proposed."""


@mapping.command("try", epilog=TRY_EXAMPLES)
@click.argument("file", type=EVENT_FILE, metavar="FILE[:MAPPING]")
@click.option("--mapping", "mapping_name", help=MAPPING_HELP)
@click.option("--events", "shown", type=click.IntRange(0), default=5, show_default=True, help="Events that are shown.")
@click.option(
    "--ids", type=OUTPUT, help="Write here whose id is which, a line a customer: the id, and what it was before."
)
@click.option("--json", "as_json", is_flag=True, help="The counts and the shown events as JSON.")
def try_(file: EventFile, mapping_name: str | None, shown: int, *, ids: Output | None, as_json: bool) -> int:
    """Show the first events, what became of every line and what would be left out. Nothing is posted.

    Leaves with 1 if lines are bad or nothing came of the file.
    """
    refuse_overwriting(paths_read([file], mapping_name), [ids])
    (source,) = with_mappings([file], load_mapping(mapping_name) if mapping_name else None)
    counts = FileCounts(source.path)
    summary = _Summary(shown, counts)
    for found in read_file(source, counts):
        if isinstance(found, Bad):
            summary.refuse(BadLine(source.path, found.number, found.error, found.is_item))
        else:
            _, event, value = found
            summary.take(event, value)
    if ids is not None:
        with ids:
            ids.write(summary.whose_ids())
    if as_json:
        say_json(orjson.dumps(counts.to_dict() | summary.to_dict()))
    else:
        for line in (*summary.first, "", *counts.sentences(), *summary.sentences()):
            say(line)
    return EXIT_PROBLEM if counts.bad or counts.is_silent else EXIT_DONE


class _Summary:
    """What a try shows beside the counts: first events and bad lines, the span of time, customers, money."""

    def __init__(self, shown: int, counts: FileCounts) -> None:
        self._shown, self._counts = shown, counts
        self.first: list[str] = []
        self._bad: list[BadLine[RejectedError]] = []
        self._customers: dict[str, str] = {}
        self._times: list[int] = []
        self._money: Counter[str] = Counter()
        self._frequent = Frequent()
        self._prints: dict[str, int] = {}
        self._conflicts = 0

    def take(self, event: Event, value: bytes | None) -> None:
        """Look at an event."""
        if len(self.first) < self._shown:
            self.first.append(bytes_of(event, value).decode())
        self._conflicts += self._prints.setdefault(event.id, event.fingerprint) != event.fingerprint
        customer = event.customer_id
        if customer not in self._customers:
            self._customers[customer] = self._counts.written_ids.get(customer, customer)
        self._frequent.add(event.customer_id)
        self._times = [min([event.time_ms, *self._times]), max([event.time_ms, *self._times])]
        if isinstance(event.data, Purchase):
            self._money[event.data.currency] += round(event.data.amount * minor_units(event.data.currency))

    def refuse(self, bad: BadLine[RejectedError]) -> None:
        """Look at a bad line."""
        if len(self._bad) < SHOWN_BAD_LINES:
            self._bad.append(bad)

    def sentences(self) -> list[str]:
        """The same for people."""
        lines = [f"  {bad}" for bad in self._bad]
        if self._times:
            span = " to ".join(to_rfc3339(one) for one in self._times)
            money = "".join(f", {value:,.{digits_of(code)}f} {code}" for code, value in self._amounts().items())
            lines.append(f"  {counted(len(self._customers), 'customer')}, {span}{money}")
        return [*lines, *self._warnings()]

    def whose_ids(self) -> bytes:
        """A table of two columns: each customer's id, and the same as it was before it was hashed."""
        text = StringIO()
        rows = [("customer_id", "written"), *sorted(self._customers.items(), key=itemgetter(1))]
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()

    def _amounts(self) -> dict[str, float]:
        return {code: amount_of(minor, code) for code, minor in sorted(self._money.items())}

    def _warnings(self) -> list[str]:
        same = (
            f"warning: {counted(self._conflicts, 'event')} with the `id` of another and other content: a "
            "worker refuses that (id_conflict). Put more into `id`: {nth}, or another column."
        )
        return [*([same] if self._conflicts else []), *self._frequent.sentences([self._counts])]

    def to_dict(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "first_events": [orjson.loads(one) for one in self.first],
            "first_bad": [str(bad) for bad in self._bad],
            "customers": len(self._customers),
            "first": to_rfc3339(self._times[0]) if self._times else None,
            "last": to_rfc3339(self._times[1]) if self._times else None,
            "amounts": self._amounts(),
            "warnings": self._warnings(),
        }


@mapping.command("guess", epilog=GUESS_EXAMPLES)
@click.argument("file", type=OLD_FILE)
def guess(file: Path) -> int:
    """Propose a mapping (YAML) for a CSV file, JSON Lines or JSON: to be looked over, then tried."""
    say(guessed(file), nl=False)
    return EXIT_DONE


@mapping.command("show", epilog=SHOW_EXAMPLES)
@click.argument("name", required=False)
def show(name: str | None) -> int:
    """Print a mapping of the product, or their names."""
    if name is None:
        for one in builtin_names():
            about = builtin_text(one).partition("\n")[0].removeprefix("# ")
            say(f"{one:16} {about}")
        return EXIT_DONE
    if name not in builtin_names():
        raise SetupError("mapping", f"{name!r} is not built in", f"Built in: {', '.join(builtin_names())}.")
    say(builtin_text(name), nl=False)
    return EXIT_DONE
