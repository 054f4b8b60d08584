"""`churn-signals worker`: runs the agents, and the page with metrics and health."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import click

from schemas.topics import Topics
from streams.agents.customers import Customers
from streams.agents.models import ModelReader, Shelf
from streams.agents.restarted_topics import watch_for_restarted
from streams.agents.ticking import Liveness, keep_time, newest_tick_ms
from streams.cli.startup import begin, say_it_starts
from streams.clock import now_ms
from streams.health import serve_health
from streams.kafka.connection import librdkafka_config
from streams.kafka.preflight import check_setup
from streams.memory import collect_seldom, keep_large_blocks_apart
from streams.metrics.collector import WorkerCollector
from streams.metrics.model import ModelMetrics

if TYPE_CHECKING:
    from streams.agents.keeping import CustomerState
    from streams.transport.frame_app import FrameApp
    from streams.transport.producer import Outputs

EXAMPLES = """\b
Examples:
  churn-signals worker
  CHURN_INSTANCE_ID=churn-0 CHURN_METRICS_PORT=0 churn-signals worker
"""


@click.command(epilog=EXAMPLES)
@click.option("--verbose", is_flag=True, help="Log more: what Faust and the clients do.")
def worker(*, verbose: bool) -> int:
    """Run the agents: events in, alerts out.

    Ends with 0 after SIGTERM or Ctrl-C, 2 when the setup is wrong, 3 at the dead-letter limit, 70 when nothing moves.
    """
    settings, rules = begin(verbose=verbose)
    collect_seldom()
    keep_large_blocks_apart()
    check_setup(settings)
    # Faust takes a second to import: wrong settings are told before.
    from streams.agents.keeping import CustomerState
    from streams.transport.app import build_app, customer_inputs
    from streams.transport.producer import Outputs
    from streams.transport.run import run_worker

    outputs = Outputs(librdkafka_config(settings))
    shelf = Shelf(rules)
    reader = None if rules.basis.learning is None else ModelReader(settings, shelf)
    customers = Customers(settings, rules, outputs, now_ms, shelf)
    state = CustomerState(settings, customers, customer_inputs(settings).group)
    app = build_app(settings, customers, outputs=outputs, state=state)
    _add_tasks(app, customers, state, outputs)
    topics = Topics(settings.prefix, settings.app_version)
    metrics = WorkerCollector(topics, settings.partitions, app.status, customers, rules, now_ms)
    with ExitStack() as stack:
        page = stack.enter_context(serve_health(settings, app.status, metrics, ModelMetrics(shelf)))
        if reader is not None:
            reader.catch_up()
            stack.callback(reader.stop)
        say_it_starts("worker", rules, page.address)
        return run_worker(app, page.last_word)


def _add_tasks(app: FrameApp, customers: Customers, state: CustomerState, outputs: Outputs) -> None:
    """Add what runs beside the agents: the minder of the partitions, a look for topics made anew, the clock."""
    from streams.agents.minding import Minder

    settings = app.settings
    topics = Topics(settings.prefix, settings.app_version)

    @app.task  # type: ignore[untyped-decorator]  # Faust's decorator is untyped
    async def minding() -> None:
        await Minder(app, customers, state).run()

    @app.task  # type: ignore[untyped-decorator]  # Faust's decorator is untyped
    async def watching() -> None:
        await watch_for_restarted(customers.partitions, app.idle, app.fail, topics)

    if settings.ticks:

        def send_tick(partition: int, value: bytes) -> None:
            outputs.send(topics.ticks, partition, None, value)

        @app.task  # type: ignore[untyped-decorator]  # Faust's decorator is untyped
        async def ticking() -> None:
            newest_tick = partial(newest_tick_ms, settings, now_ms)
            liveness = Liveness(customers.rules.basis.lateness_ms)
            await keep_time(customers.partitions, app.idle, send_tick, topics, now_ms, newest_tick, liveness)
