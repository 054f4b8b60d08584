"""`churn-signals learner`: learns from the labels that workers publish, and publishes the model."""

from __future__ import annotations

import click

from streams.cli.startup import begin, records_of, say_it_starts
from streams.clock import now_ms
from streams.errors import SetupError
from streams.health import serve_health
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
    from schemas.topics import Topics
    from streams.agents.learner import LearnerAgent
    from streams.kafka.connection import librdkafka_config
    from streams.metrics.learner import LearnerMetrics
    from streams.transport.app import build_app, learner_inputs
    from streams.transport.changelog import Changelog
    from streams.transport.producer import Outputs
    from streams.transport.record_state import RecordState
    from streams.transport.run import run_worker

    topics = Topics(settings.prefix)

    outputs = Outputs(librdkafka_config(settings))
    changelog = Changelog(outputs, topics.models)
    agent = LearnerAgent(
        rules, learning, settings.partitions, changelog, records_of(settings, topics.examples, "lessons")
    )
    state = RecordState(changelog, agent)
    app = build_app(settings, agent, outputs=outputs, state=state, inputs=learner_inputs(settings))
    agent.progress = app.status.worked
    metrics = LearnerMetrics(agent, app.status, rules.basis.calendar, now_ms)
    with serve_health(settings, app.status, metrics) as page:
        say_it_starts("learner", rules, page.address)
        return run_worker(app, page.last_word)
