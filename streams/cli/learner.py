"""`churn-signals learner`: learns from the labels that workers publish, and publishes the model."""

from __future__ import annotations

import click

from schemas.topics import Topics
from streams.cli.startup import begin, records_of, run_sole
from streams.errors import SetupError
from streams.kafka.preflight import check_setup
from streams.settings import variable_of

EXAMPLES = """\b
Examples:
  churn-signals learner
  CHURN_METRICS_PORT=9465 churn-signals learner
"""


@click.command(epilog=EXAMPLES)
@click.option("--verbose", is_flag=True, help="Log more: what Faust and the clients do.")
def learner(*, verbose: bool) -> int:
    """Run the learner: labels in, versions of the model out.

    One learns at a time; a second one stands by and takes over. Ends as `worker` does.
    """
    settings, rules = begin(verbose=verbose)
    learning = rules.basis.learning
    if learning is None:
        raise SetupError(variable_of("catalogue"), "has no model", "Add a `model:` section, or run no learner.")
    check_setup(settings)
    # Faust takes a second to import: wrong settings are told before.
    from streams.agents.learner import LearnerAgent
    from streams.metrics.learner import LearnerMetrics
    from streams.transport.app import learner_inputs

    topics = Topics(settings.prefix)
    lessons = records_of(settings, topics.examples, "lessons")
    return run_sole(
        settings,
        rules,
        inputs=learner_inputs(settings),
        state_topic=topics.models,
        agent=lambda _, changelog: LearnerAgent(rules, learning, settings.partitions, changelog, lessons),
        metrics=LearnerMetrics,
    )
