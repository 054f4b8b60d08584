"""`churn-signals produce FILE…`: post event files, merged by event time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.instant import to_rfc3339
from schemas.topics import Topics
from streams.cli.event_files import files_argument, paths_read, rejecting, rejects_option
from streams.cli.number import NumberRange
from streams.cli.output import Output, refuse_overwriting
from streams.clock import now_ms
from streams.diagnosis.before_posting import look_before_posting
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.files.catalogue_file import load_rules
from streams.files.counts import by_feed
from streams.files.edge import Edge
from streams.files.history import History, HistoryEvent, days_until_yesterday, read_history, shifted
from streams.files.mapping_file import load_mapping
from streams.files.reading import EventFile
from streams.kafka.poster import Poster
from streams.kafka.ticks import post_ends
from streams.settings import Settings, environment_settings
from streams.text.terminal import Terminal, complain, say, terminal
from streams.text.wording import counted

FLUSH_WITHIN_S: Final = 60.0
"""How long the broker may take to acknowledge what is still under way at the end."""

REPEAT: Final = (
    "Look at the broker, then repeat with --late: what was posted already is recognised, or set aside as too late, and "
    "counts once."
)

EXAMPLES: Final = """\b
Examples:
  churn-signals produce events.jsonl.gz
  churn-signals produce CDNOW_master.txt --shift-to-now
  churn-signals produce sales.csv --mapping sales.yaml --speed 86400
  churn-signals produce orders.csv:shopify tickets.json:zendesk --rejects bad.txt
"""


@click.command(epilog=EXAMPLES)
@files_argument
@click.option("--speed", type=NumberRange(min=0, min_open=True), help="N seconds of history a second.")
@click.option("--shift-to-now", is_flag=True, help="Move by whole days so that the last day was yesterday.")
@click.option("--late", "with_late", is_flag=True, help="Post although some events are too late to count.")
@click.option("--skip-bad", is_flag=True, help="Leave with 0 although lines were bad.")
@rejects_option
def produce(
    *,
    files: tuple[EventFile, ...],
    mapping_name: str | None,
    speed: float | None,
    shift_to_now: bool,
    with_late: bool,
    skip_bad: bool,
    rejects: Output | None,
) -> int:
    """Post event files, merged by event time.

    JSON Lines of the input contract, tables and other JSON by a mapping, gzip of all. The key is the customer id, the
    record's timestamp the event time. What became of the lines is said; bad ones are not posted. History goes
    before anything newer: nothing is posted where events would be too late to count, unless with --late, nor to topics
    that misfit.
    """
    refuse_overwriting(paths_read(files, mapping_name), [rejects])
    settings, at_ms = environment_settings(), now_ms()
    mapping = load_mapping(mapping_name) if mapping_name else None
    console = terminal(stderr=True)
    with console.status("reading"), rejecting(rejects) as bad_lines:  # the status is shown on a terminal only
        check = None if shift_to_now else Edge(at_ms, at_ms).check
        history = read_history(files, mapping, rejects=bad_lines, check=check)
    if shift_to_now:
        days = days_until_yesterday(history, at_ms)
        history = shifted(history, days)
        console.print(f"moved by {days} days (the same for the oracle: replay --shift-by {days})")
    rules = load_rules(settings)
    for sentence in history.without_rate(rules.basis.rates):
        console.print(sentence, soft_wrap=True)
    for sentence in look_before_posting(settings, rules, history.events, at_ms, is_late_meant=with_late):
        console.print(sentence, soft_wrap=True)
    begun = monotonic()
    for part in [history.events] if speed is not None else posting_order(history.events, rules.basis.feeds):
        post(settings, part, speed=speed, progress=_bar(console, len(part)))
    tell_ends(settings, history.events)
    _report(history, monotonic() - begun)
    return EXIT_PROBLEM if history.is_silent or (history.bad and not skip_bad) else EXIT_DONE


def posting_order(events: Sequence[HistoryEvent], declared: Sequence[int]) -> list[Sequence[HistoryEvent]]:
    """Parts, one to be acknowledged before the next is posted, each in order of time.

    Feeds that the catalogue does not declare come first: the clock waits for the declared ones only, so a worker that
    reads along would go by what of the others is still under way, and that would be too late.
    """
    others = [event for event in events if event.feed not in declared]
    return [others, [event for event in events if event.feed in declared]] if others else [events]


def post(
    settings: Settings,
    events: Sequence[HistoryEvent],
    *,
    speed: float | None = None,
    progress: Callable[[Iterable[HistoryEvent]], Iterable[HistoryEvent]] = iter,
) -> None:
    """Post events in the order given and return when the broker has acknowledged all. Raises SetupError."""
    topics = Topics(settings.prefix).events
    poster = Poster(settings)
    pace = _Pace(events[0].time_ms, speed) if speed is not None and events else None
    for event in progress(events):
        if pace is not None:
            pace.wait(poster, event.time_ms)
        poster.send(topics[event.feed], event.key, event.value, timestamp_ms=event.time_ms)
        if poster.failure is not None:
            break
    poster.finish("produce", within_s=FLUSH_WITHIN_S, remedy=REPEAT)


def tell_ends(settings: Settings, events: Sequence[HistoryEvent]) -> None:
    """Tell every partition how far the events go; who may not is told what that means, as the events are posted."""
    try:
        post_ends(settings, {event.feed: event.time_ms for event in events})  # in order of time: the last of each stays
    except SetupError as error:
        complain(
            "the events are posted, but the partitions could not be told how far they go: one whose own "
            f"customers were silent at the end waits for the clock (churn-signals tick --at T). {error}"
        )


class _Pace:
    """Holds events back so that history passes at a multiple of real time."""

    def __init__(self, first_ms: int, speed: float) -> None:
        self._first_ms = first_ms
        self._speed = speed
        self._begun = monotonic()

    def wait(self, poster: Poster, time_ms: int) -> None:
        """Serve the poster until the event's turn has come."""
        due = self._begun + (time_ms - self._first_ms) / 1000 / self._speed
        while (left := due - monotonic()) > 0:
            poster.serve(min(left, 0.5))


def _bar(console: Terminal, total: int) -> Callable[[Iterable[HistoryEvent]], Iterable[HistoryEvent]]:
    if not console.is_terminal:
        return iter
    columns = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    def watched(events: Iterable[HistoryEvent]) -> Iterable[HistoryEvent]:
        with Progress(*columns, console=console, transient=True) as progress:
            yield from progress.track(events, total=total)

    return watched


def _report(history: History, took_s: float) -> None:
    for sentence in history.sentences():
        complain(sentence)
    events = history.events
    parts = by_feed(Counter(event.feed for event in events))
    span = f", {to_rfc3339(events[0].time_ms)} to {to_rfc3339(events[-1].time_ms)}" if events else ""
    say(
        f"posted {counted(len(events), 'event')} ({parts or 'none'}){span} in {took_s:.1f} s; "
        f"{counted(len(history.bad), 'bad line')}"
    )
