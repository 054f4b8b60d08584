"""The demo: `PYTHONPATH=deploy python -m demo` (the Makefile does). 0: all is equal and adds up; 1: it is not."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import msgspec

from demo.check import DemoReplay, collect, compare, outcomes, replay
from demo.errors import DemoError
from demo.flow import FlowResult, let_it_flow
from demo.page import print_summary
from demo.show import Show
from demo.story import Story, tell
from demo.summary import DemoEvidence, DemoSummary, newest, problems, summarize
from demo.surroundings import ROOT, Place, surroundings
from demo.worker import worker
from kafka.cluster import ClusterError
from kafka.jars import JarError
from kafka.java import JavaError
from schemas.instant import to_rfc3339
from schemas.topics import DAY_MS
from streams.board.watcher import watching
from streams.clock import now_ms
from streams.errors import SetupError
from streams.settings import Settings
from streams.text.terminal import Terminal, styled, terminal

CDNOW = ROOT / ".cache/data/CDNOW_master.txt"
PURCHASES_ONLY = ROOT / "deploy/catalogues/purchases.yaml"
RULES_ONLY = ROOT / "deploy/catalogues/rules-only.yaml"
"""The clock waits for every feed that is declared: with purchases alone only they may be."""
FRESH_DAYS = 7
"""Alerts of the last week count as told to somebody, so that some are past due; those before are history."""
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main() -> int:
    """Run the demo; whatever happens, nothing is left running."""
    options = _options()
    console = terminal()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return _run(options, console)
    except KeyboardInterrupt:
        console.print("\ndemo: stopped; nothing is left running")
        return STOPPED
    except (DemoError, SetupError, ClusterError, JarError, JavaError) as error:
        terminal(stderr=True).print(f"demo: {error}")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo ARGS=…", description=__doc__)
    parser.add_argument("--purchases-only", action="store_true", help="post the real purchases and nothing simulated")
    parser.add_argument("--share", type=int, default=4, metavar="N", help="one customer of N (default: 4)")
    parser.add_argument("--partitions", type=int, default=6, metavar="N", help="of each topic (default: 6)")
    parser.add_argument("--out", type=Path, default=ROOT / ".run", help="where summary and events are left (.run)")
    options = parser.parse_args()
    if options.share < 1:
        parser.error("--share is a whole number from 1 on")
    return options


def _stop(_number: int, _frame: FrameType | None) -> None:
    """The first signal ends the demo; a second one must not cut the clearing up short."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(options: argparse.Namespace, console: Terminal) -> int:
    begun = time.monotonic()
    show = Show(console)
    # What a partition reviews lags behind by the bound on disorder: so does the midnight that can be reviewed now.
    disorder_ms = Settings().disorder_s * 1000
    midnight_ms = (now_ms() - disorder_ms) // DAY_MS * DAY_MS
    own = {
        "CATALOGUE": str(PURCHASES_ONLY if options.purchases_only else RULES_ONLY),
        "PARTITIONS": str(options.partitions),
    }
    with surroundings(own, midnight_ms - FRESH_DAYS * DAY_MS) as place:
        show.step(f"Kafka at {place.settings.bootstrap}, topics {place.settings.prefix}.*; a worker starts")
        with worker(place) as ours:
            target = options.out / "demo-events.jsonl.gz"
            story = tell(
                CDNOW, target, share=options.share, with_simulated=not options.purchases_only, at_ms=midnight_ms
            )
            show.step(_about(story, is_simulated=not options.purchases_only))
            until = to_rfc3339(midnight_ms + disorder_ms)
            with replay(place, story.file, until) as expected:
                address = ours.wait_until_ready()
                with watching(place.settings, [address]) as watcher, show.board():
                    passed = let_it_flow(
                        place.settings,
                        story.events,
                        ours,
                        watcher,
                        show,
                        tick_ms=midnight_ms + disorder_ms,
                        until=to_rfc3339(midnight_ms),
                    )
                ours.leave()
                show.step(f"all processed and reviewed up to {to_rfc3339(midnight_ms)}; comparing with `replay`")
                evidence = _examine(place, passed, expected)
    summary = summarize(story, evidence, time.monotonic() - begun)
    return _conclude(options, console, story, summary, evidence)


def _about(story: Story, *, is_simulated: bool) -> str:
    counts = story.counts()
    others = ", ".join(f"{count:,} {feed}" for feed, count in counts.items() if feed != "purchase")
    simulated = f", {others} events simulated around them" if is_simulated else ""
    return f"{counts['purchase']:,} real purchases of {story.customers:,} customers in {story.days} days{simulated}"


def _examine(place: Place, passed: FlowResult, expected: DemoReplay) -> DemoEvidence:
    """Count and compare, once the worker has left."""
    replayed = expected.wait()
    found = collect(place)
    return DemoEvidence(
        passed=passed,
        outcomes=outcomes(place),
        alerts=newest(found.alerts),
        equal_alerts=compare(found.alerts, expected.expected.alerts),
        equal_stages=compare(found.stages, expected.expected.stages, "--stages"),
        replayed=replayed,
    )


def _conclude(
    options: argparse.Namespace, console: Terminal, story: Story, summary: DemoSummary, evidence: DemoEvidence
) -> int:
    """Leave the summary, print it, say what to try next."""
    file = options.out / "demo-summary.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
    print_summary(console, story, summary, evidence)
    found = problems(summary, evidence)
    for problem in found:
        console.print(styled(("wrong", "bold red"), f"  {problem}"))
    _print_next(console, story, summary, file, is_purchases_only=options.purchases_only)
    return 1 if found else 0


def _print_next(console: Terminal, story: Story, summary: DemoSummary, file: Path, *, is_purchases_only: bool) -> None:
    program = ".venv/bin/churn-signals"
    customer = summary.top_at_risk[0].customer_id if summary.top_at_risk else "ID"
    catalogue = (f"export CHURN_CATALOGUE={_short(PURCHASES_ONLY)}", "no other feeds")
    steps = [
        *([catalogue] if is_purchases_only else []),
        ("make up", "Kafka, a worker, a dispatcher, a learner"),
        (f"{program} produce {_short(story.file)}", "the same events"),
        (f"{program} watch", "the live board"),
        (f"{program} customer {customer}", "one customer"),
        (f"{program} digest Retention", "an owner's list of the day"),
        (f"{program} alerts --open --limit 5", "what waits"),
        ("make down", "end it all"),
    ]
    width = max(len(command) for command, _ in steps)
    console.print()
    title = ("what to try next", "bold cyan")
    console.print(styled(title, f"   (nothing is left running; summary in {_short(file)})"))
    for command, meaning in steps:
        console.print(styled(f"  {command:<{width}}  ", (meaning, "dim")), soft_wrap=True)


def _short(path: Path) -> Path:
    """The path as one would type it here."""
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
