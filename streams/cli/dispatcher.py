"""`churn-signals dispatcher`: gives each owner a digest of every day."""

from __future__ import annotations

import click

from streams.cli.startup import begin, records_of, say_it_starts
from streams.clock import now_ms
from streams.health import serve_health
from streams.kafka.preflight import check_setup

EXAMPLES = """\b
Examples:
  churn-signals dispatcher
  CHURN_METRICS_PORT=9466 churn-signals dispatcher
"""


@click.command(epilog=EXAMPLES)
@click.option("--verbose", is_flag=True, help="Log more: what Faust and the clients do.")
def dispatcher(*, verbose: bool) -> int:
    """Run the dispatcher: what all partitions sent becomes a list of the day for each owner.

    As many new customers a day as the owner can look after (`owners` in the catalogue), the most valuable first. One
    works at a time; a second one stands by and takes over. Ends as `worker` does.
    """
    settings, rules = begin(verbose=verbose)
    check_setup(settings)
    # Faust takes a second to import: wrong settings are told before.
    from schemas.topics import Topics
    from streams.agents.dispatcher import DispatcherAgent
    from streams.kafka.connection import librdkafka_config
    from streams.metrics.dispatcher import DispatcherMetrics
    from streams.transport.app import build_app, dispatcher_inputs
    from streams.transport.changelog import Changelog
    from streams.transport.producer import Outputs
    from streams.transport.record_state import RecordState
    from streams.transport.run import run_worker

    topics = Topics(settings.prefix)
    outputs = Outputs(librdkafka_config(settings))
    changelog = Changelog(outputs, topics.lists)
    told = records_of(settings, topics.attention, "lists")
    agent = DispatcherAgent(rules, settings.partitions, topics, outputs, changelog, told)
    state = RecordState(changelog, agent)
    app = build_app(settings, agent, outputs=outputs, state=state, inputs=dispatcher_inputs(settings))
    agent.progress = app.status.worked
    metrics = DispatcherMetrics(agent, app.status, rules.basis.calendar, now_ms)
    with serve_health(settings, app.status, metrics) as page:
        say_it_starts("dispatcher", rules, page.address)
        return run_worker(app, page.last_word)
