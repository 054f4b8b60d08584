"""`churn-signals watch`: a live board in the terminal: who is at risk now, by stage and signal, alerts, feeds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import click
import orjson
from rich.live import Live

from streams.board.board import Board
from streams.board.drawing import draw
from streams.board.reading import default_address, metrics_address
from streams.board.watcher import Watcher, watching
from streams.cli.number import NumberRange
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.settings import environment_settings
from streams.text.terminal import Terminal, say_json, terminal

EXAMPLES: Final = """\b
Examples:
  churn-signals watch
  churn-signals watch --metrics http://worker-1:9464/metrics --metrics http://worker-2:9464/metrics
  churn-signals watch --once --json | jq .at_risk
"""

READ_WITHIN_S: Final = 60.0
"""How long `--once` waits until the topics have been read to their end."""

BETWEEN_LOOKS_S: Final = 1.0
"""Time between the two looks that `--once` takes its rates from."""


@click.command(epilog=EXAMPLES)
@click.option("--metrics", "addresses", multiple=True, metavar="URL", help="Metrics of a worker; once for each.")
@click.option("--interval", type=NumberRange(0.2, 3600), default=2.0, show_default=True, help="In seconds.")
@click.option("--once", is_flag=True, help="Print one board and end; 1 when something could not be reached.")
@click.option("--explain", is_flag=True, help="The statistics by which the model is judged as well.")
@click.option("--json", "as_json", is_flag=True, help="With --once: the numbers as JSON.")
def watch(*, addresses: tuple[str, ...], interval: float, once: bool, explain: bool, as_json: bool) -> int:
    """A live board: at risk now, stages, alerts as they come, past due, rates, lag. Ctrl-C ends it.

    Without --metrics it asks the worker of this machine (CHURN_METRICS_HOST, CHURN_METRICS_PORT).
    """
    console = terminal()
    if as_json and not once:
        raise click.UsageError("--json goes with --once")
    if not once and not console.is_terminal:
        raise click.UsageError("the output is no terminal: print one board with --once")
    settings = environment_settings()
    with watching(settings, tuple(map(metrics_address, addresses)) or (default_address(settings),)) as watcher:
        if once:
            return _print_one(watcher, console, explain=explain, as_json=as_json)
        _show(watcher.look, console, interval, explain=explain)
    return EXIT_DONE


def _print_one(watcher: Watcher, console: Terminal, *, explain: bool, as_json: bool) -> int:
    watcher.look()
    watcher.wait_for_history(READ_WITHIN_S)
    time.sleep(BETWEEN_LOOKS_S)
    board = watcher.look()
    if as_json:
        say_json(orjson.dumps(board, option=orjson.OPT_INDENT_2))
    else:
        console.print(draw(board, console.width, console.height, explain=explain))
    return EXIT_PROBLEM if board.problems else EXIT_DONE


def _show(look: Callable[[], Board], console: Terminal, interval: float, *, explain: bool) -> None:
    """Draw until Ctrl-C."""
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                board = look()
                live.update(draw(board, console.width, console.height, explain=explain), refresh=True)
                time.sleep(interval)
    except KeyboardInterrupt:
        return
