"""`churn-signals digest`: who is to be called today, why, and what became of those of yesterday."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from models.catalogue.suggestion import did_you_mean
from schemas.digest import DigestV1, encode_digest
from schemas.instant import from_rfc3339
from streams.cli.event_files import OLD_FILE
from streams.cli.instant import INSTANT
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.clock import now_ms
from streams.console.digest_text import COUNTS, overview, print_digest
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.readback.digests import digests_in_file, digests_on_topic, newest_digests
from streams.settings import environment_settings
from streams.text.terminal import complain, say_json, terminal
from streams.text.wording import BEHIND_MS, moment, span

EXAMPLES = """\b
Examples:
  churn-signals digest
  churn-signals digest Retention
  churn-signals digest Retention --html morning.html
  churn-signals replay events.jsonl.gz --digests digests.jsonl
  churn-signals digest Retention --file digests.jsonl --at 2026-03-01T12:00:00Z
"""
QUIET_FEED: Final = (
    "where a feed is quiet, the worker's tick decides it in a minute or two, `churn-signals tick` at once"
)
"""Why a midnight may not be decided while all is well."""


@click.command(epilog=EXAMPLES)
@click.argument("owner", required=False)
@click.option("--file", "path", type=OLD_FILE, help="Digests that `replay --digests` wrote, not those of the topic.")
@click.option("--at", "at_ms", type=INSTANT, metavar="T", help="The digest that was the newest at this instant.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many lines of each list.")
@click.option("--html", type=OUTPUT, help="Write a page for people: of one owner, or of all.")
@click.option("--json", "as_json", is_flag=True, help="One digest a line, as on the topic.")
def digest(
    owner: str | None, *, path: Path | None, at_ms: int | None, limit: int, html: Output | None, as_json: bool
) -> int:
    """Show who is to be called today: an overview of all owners, or all of one owner's digest.

    The dispatcher makes it at each midnight that every partition has passed.
    """
    refuse_overwriting([path], [html])
    settings = environment_settings()
    rules = load_rules(settings)
    zone = rules.basis.calendar.zone
    found = newest_digests(digests_on_topic(settings) if path is None else digests_in_file(path), at_ms)
    if not found:
        complain(_nothing(path, at_ms, zone))
        return EXIT_PROBLEM
    if path is None and at_ms is None:
        say_if_old(found.values())
    chosen = list(found.values()) if owner is None else [_of(owner, found)]
    if html is not None:
        from streams.report.digest_page import digest_page  # what makes pages takes a moment to import

        html.write_all(digest_page(chosen, zone))
    if as_json:
        for one in chosen:
            say_json(encode_digest(one))
    elif owner is None:
        console = terminal()
        console.print(overview(chosen, zone))
        for name, meaning in COUNTS.items():
            console.print(f"{name.replace('_', ' ')}: {meaning}", style="dim")
    else:
        print_digest(terminal(), chosen[0], zone, limit=limit)
    return EXIT_DONE


def _nothing(path: Path | None, at_ms: int | None, zone: str) -> str:
    """That there is no digest, up to when, and what to look at."""
    until = "" if at_ms is None else f" up to {moment(at_ms, zone)}"
    if path is not None:
        return f"{path} has no digest{until}"
    why = f"nobody was on a list, or not every partition has passed a midnight ({QUIET_FEED})"
    return f"there is no digest{until}: {why}; is a `churn-signals dispatcher` running?"


def say_if_old(digests: Iterable[DigestV1]) -> None:
    """What is shown as today's may be of long ago, where nothing is decided or nobody makes digests any more."""
    old_ms = now_ms() - max(from_rfc3339(one.at) for one in digests)
    if old_ms > BEHIND_MS:
        complain(
            f"the newest digest is {span(old_ms)} old: no midnight was decided since ({QUIET_FEED}), or no dispatcher "
            "runs (`churn-signals doctor` says which)"
        )


def _of(owner: str, found: dict[str, DigestV1]) -> DigestV1:
    """The digest of an owner. Raises BadParameter for one of whom there is none."""
    if owner not in found:
        raise click.BadParameter(
            f"{owner} has no digest. {did_you_mean(owner, list(found))}There are those of {', '.join(found)}.",
            param_hint="OWNER",
        )
    return found[owner]
