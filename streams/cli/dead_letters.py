"""`churn-signals dead-letters list|replay`: look at refused records, and post them again."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import click
import orjson
from rich.table import Table

from schemas.dead_letter import DeadLetter
from schemas.instant import to_rfc3339
from schemas.topics import Topics
from streams.clock import now_ms
from streams.diagnosis.before_posting import refuse_misfits
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.kafka.connection import connect
from streams.readback.dead_letters import Outlook, judge, late_limits_ms, post_again, read_letters
from streams.settings import Settings, environment_settings
from streams.text.plain import plain
from streams.text.terminal import say, say_json, styled, terminal
from streams.text.wording import counted

SHOWN: Final = 50
"""Rows of a list unless --limit says otherwise."""


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at rejected records and post them again."""


@dead_letters.command(
    "list",
    epilog="\b\nExamples:\n  churn-signals dead-letters list --reason bad_money"
    "\n  churn-signals dead-letters list --json --limit 0 | jq .error",
)
@click.option("--reason", "reasons", multiple=True, help="Only this reason; may be repeated.")
@click.option("--late", "is_late", is_flag=True, help="The events that came too late instead.")
@click.option("--limit", type=click.IntRange(0), default=SHOWN, show_default=True, help="Rows at most; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="One record a line.")
def show(*, reasons: tuple[str, ...], is_late: bool, limit: int, as_json: bool) -> int:
    """Show refused records: where they lay, why they were refused, and how many of each reason."""
    settings = environment_settings()
    letters = _wanted(read_letters(settings, _topic(settings, is_late=is_late)), reasons)
    if as_json:
        for letter in islice(letters, limit or None):
            say_json(orjson.dumps(_as_dict(letter)))
        return EXIT_DONE
    everything = list(letters)
    _print(everything[: limit or None], Counter(letter.reason for letter in everything))
    return EXIT_DONE


@dead_letters.command(epilog="\b\nExample:\n  churn-signals dead-letters replay --reason bad_money --dry-run")
@click.option("--reason", "reasons", multiple=True, help="Only this reason; may be repeated.")
@click.option("--late", "is_late", is_flag=True, help="The events that came too late instead.")
@click.option("--all", "with_refused", is_flag=True, help="Also those that would be refused again.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of them.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
def replay(*, reasons: tuple[str, ...], is_late: bool, with_refused: bool, dry_run: bool, is_sure: bool) -> int:
    """Post the originals again to the topics they came from: key, value, headers and timestamp as they were.

    Says first what would become of them: how many would be applied, would now be too late, would be refused again.
    Posting a record twice does no harm: events are recognised by their ids. Leaves with 1 when some cannot be posted.
    """
    settings = environment_settings()
    refuse_misfits(settings, *connect(settings))
    letters = _wanted(read_letters(settings, _topic(settings, is_late=is_late)), reasons)
    outlook = judge(letters, settings=settings, late_before_ms=late_limits_ms(settings), now_ms=now_ms())
    _tell(outlook)
    chosen = outlook.fit + (outlook.refused if with_refused else [])
    if chosen and not dry_run:
        if not is_sure:
            click.confirm(f"Post {counted(len(chosen), 'record')} again?", abort=True, err=True)
        say(f"posted {counted(post_again(settings, chosen), 'record')} again")
    left_out = outlook.incomplete + (0 if with_refused else len(outlook.refused))
    return EXIT_PROBLEM if left_out else EXIT_DONE


def _topic(settings: Settings, *, is_late: bool) -> str:
    names = Topics(settings.prefix)
    return names.late if is_late else names.dead_letters


def _wanted(letters: Iterable[DeadLetter], reasons: tuple[str, ...]) -> Iterable[DeadLetter]:
    return (letter for letter in letters if not reasons or letter.reason in reasons)


def _tell(outlook: Outlook) -> None:
    total = len(outlook.fit) + len(outlook.refused) + outlook.incomplete
    say(f"{counted(total, 'record')}: {len(outlook.fit) - outlook.late:,} would be applied")
    say(f"  {outlook.late:,} would now be too late (they go to the late topic)")
    why = ", ".join(f"{count:,} {reason}" for reason, count in outlook.reasons.most_common())
    say(f"  {len(outlook.refused):,} would be refused again{f' ({plain(why)})' if why else ''}")
    say(f"  {outlook.incomplete:,} cannot be posted again (cut because of their size, or from another topic)")


def _print(letters: list[DeadLetter], reasons: Counter[str]) -> None:
    console = terminal()
    table = Table("reason", "field", "topic", "partition", "offset", "record's time", "bytes", "error", box=None)
    for letter in letters:
        origin = letter.origin
        when = to_rfc3339(origin.timestamp_ms) if origin.timestamp_ms >= 0 else ""
        where = (origin.topic, str(origin.partition), str(origin.offset))
        cells = (letter.reason, letter.field or "", *where, when, str(letter.size), letter.error)
        table.add_row(*map(plain, cells))
    if letters:
        console.print(table)
    total = sum(reasons.values())
    parts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    shown = f"{len(letters):,} of " if len(letters) < total else ""
    console.print(styled(f"{shown}{counted(total, 'record')}{f': {parts}' if parts else ''}"))


def _as_dict(letter: DeadLetter) -> dict[str, Any]:
    """Every byte of a letter: text where it is UTF-8, base64 where it is not."""
    origin = letter.origin
    found: dict[str, Any] = {
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "timestamp": to_rfc3339(origin.timestamp_ms) if origin.timestamp_ms >= 0 else None,
        "stage": letter.stage,
        "reason": letter.reason,
        "field": letter.field,
        "error": letter.error,
        **_readable("key", letter.key),
        **_readable("value", letter.value),
        "headers": [{"name": name, **_readable("value", content)} for name, content in letter.headers],
        "truncated": letter.truncated,
        "size": letter.size,
    }
    return found if letter.sha256 is None else found | {"sha256": letter.sha256}


def _readable(name: str, content: bytes | None) -> dict[str, str | None]:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(content).decode()}
