"""`churn-signals topics create|check`: the table of schemas/topics.py, made or verified."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

import click
import orjson
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.topics import TopicSpec
from streams.errors import EXIT_SETUP, SetupError
from streams.kafka.connection import answered, connect
from streams.kafka.preflight import Finding, examine, specs
from streams.settings import Settings, environment_settings, variable_of
from streams.text.terminal import complain, say, say_json
from streams.text.wording import counted

VISIBLE_WITHIN_S: Final = 10.0
"""How long a new topic may take until every client can see it."""


@click.group()
def topics() -> None:
    """Create or check the topics."""


@topics.command(epilog="\b\nExample:\n  CHURN_PARTITIONS=6 churn-signals topics create")
def create() -> None:
    """Make the topics that are missing; those that exist are checked, never changed."""
    settings = environment_settings()
    admin, cluster = connect(settings)
    missing = [spec for spec in specs(settings) if spec.name not in cluster.topics]
    _create(settings, admin, missing)
    for spec in missing:
        say(f"created {spec.name} ({counted(spec.partitions, 'partition')})")
    _await_visible(admin, missing)
    _report(settings, admin, as_json=False)


@topics.command(epilog="\b\nExample:\n  churn-signals topics check --json")
@click.option("--json", "as_json", is_flag=True, help="The findings as a JSON list.")
def check(*, as_json: bool) -> None:
    """Say what differs from what the product needs; exit code 2 when anything does."""
    settings = environment_settings()
    admin, _ = connect(settings)
    _report(settings, admin, as_json=as_json)


def _report(settings: Settings, admin: AdminClient, *, as_json: bool) -> None:
    findings = list(examine(settings, admin, admin.list_topics(timeout=10)))
    if as_json:
        say_json(orjson.dumps([_as_dict(finding) for finding in findings]))
    elif not findings:
        say(f"topics of {settings.prefix}: all {len(specs(settings))} as they must be")
    for finding in [] if as_json else findings:
        complain(finding)
    if findings:
        click.get_current_context().exit(EXIT_SETUP)


def _as_dict(finding: Finding) -> dict[str, str]:
    return {"thing": finding.thing, "value": finding.value, "remedy": finding.remedy}


def _create(settings: Settings, admin: AdminClient, missing: list[TopicSpec]) -> None:
    if not missing:
        return
    new = [NewTopic(spec.name, spec.partitions, spec.replication, config=spec.config) for spec in missing]
    for name, future in admin.create_topics(new, operation_timeout=10).items():
        try:
            answered(future, 15)
        except KafkaException as error:
            _explain(settings, name, error.args[0], error)


def _explain(settings: Settings, name: str, reason: KafkaError, cause: KafkaException) -> None:
    if reason.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # someone else was quicker
        return
    if reason.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        thing, value = variable_of("replication"), f"{settings.replication} copies of {name} cannot be made"
        raise SetupError(
            thing, value, f"Set it to the number of brokers at most. Kafka says: {reason.str()}"
        ) from cause
    thing, value = f"topic {name}", f"cannot be created: {reason.str()}"
    raise SetupError(thing, value, "Check the permissions of this user.") from cause


def _await_visible(admin: AdminClient, made: list[TopicSpec]) -> None:
    deadline = monotonic() + VISIBLE_WITHIN_S
    while monotonic() < deadline:
        known = admin.list_topics(timeout=10).topics
        if all(spec.name in known and len(known[spec.name].partitions) == spec.partitions for spec in made):
            return
        sleep(0.1)
