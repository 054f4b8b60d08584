"""`churn-signals dispatcher`: gives each owner a digest of every day."""

from __future__ import annotations

import click

from schemas.topics import Topics
from streams.cli.startup import begin, records_of, run_sole
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
    from streams.agents.dispatcher import DispatcherAgent
    from streams.metrics.dispatcher import DispatcherMetrics
    from streams.transport.app import dispatcher_inputs

    topics = Topics(settings.prefix)
    told = records_of(settings, topics.attention, "lists")
    return run_sole(
        settings,
        rules,
        inputs=dispatcher_inputs(settings),
        state_topic=topics.lists,
        agent=lambda outputs, changelog: DispatcherAgent(rules, settings.partitions, topics, outputs, changelog, told),
        metrics=DispatcherMetrics,
    )
