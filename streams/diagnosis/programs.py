"""Whether the programs that work on and on do: workers, what waits for them, the dispatcher, the learner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.topics import Topics
from streams.diagnosis.observation import Observation
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.kafka.groups import Group, dispatcher_group, group_seen, learner_group, waiting_records, worker_group
from streams.settings import Settings
from streams.text.wording import counted


def look_at_programs(settings: Settings, admin: AdminClient, names: Sequence[str]) -> Iterator[Observation]:
    """Say who runs. `names`: the topics that there are."""
    topics = Topics(settings.prefix, settings.app_version)
    try:
        if topics.events[0] not in names:
            return  # there is nothing to work on
        workers = group_seen(admin, worker_group(settings), topics.events[0])
        waiting = None
        if set(topics.events) <= set(names):
            waiting = waiting_records(settings, workers.name, topics.events)
        yield look_at_workers(workers, settings.partitions, waiting)
        yield look_at_dispatcher(group_seen(admin, dispatcher_group(settings), topics.attention))
        if load_rules(settings).basis.learning is not None:
            yield look_at_learner(group_seen(admin, learner_group(settings), topics.examples))
    except KafkaException as error:
        yield Observation("workers", "warning", f"unknown: their groups may not be read: {error.args[0].str()}")
    except SetupError as error:  # of the catalogue: whether there is to be a learner
        yield Observation("learner", "warning", f"unknown: {error}")


def look_at_workers(group: Group, partitions: int, waiting: int | None) -> Observation:
    """Who works, on all partitions or not, and what waits; `waiting` None: nothing was ever read.

    >>> look_at_workers(Group("churn-v1", 0, frozenset()), 12, None).text.partition(":")[0]
    'none runs (no member in the group churn-v1)'
    """
    if not group.members:
        told = "nothing was read yet" if waiting is None else f"{counted(waiting, 'record')} not taken yet"
        return Observation(
            "workers",
            "warning",
            f"none runs (no member in the group {group.name}): nothing is decided, what is at risk now is unknown; "
            f"{told}. Start one: churn-signals worker",
        )
    who = f"{counted(group.members, 'worker')} in the group {group.name}"
    left = partitions - len(group.partitions)
    if left:
        text = (
            f"{who}, but {left} of {counted(partitions, 'partition')} are nobody's: the group is about to assign them"
        )
        return Observation("workers", "warning", f"{text}; if that lasts, look at the workers' logs")
    behind = "nothing committed yet" if waiting is None else f"{counted(waiting, 'record')} not committed yet"
    return Observation("workers", "ok", f"{who}, {counted(partitions, 'partition')} owned, {behind}")


def look_at_dispatcher(group: Group) -> Observation:
    """Whether somebody makes the owners' lists."""
    if group.members:
        return Observation("dispatcher", "ok", f"{counted(group.members, 'dispatcher')} in the group {group.name}")
    text = f"none runs (no member in the group {group.name}): no owner gets a digest, alerts are sent as ever"
    return Observation("dispatcher", "warning", f"{text}. Start one: churn-signals dispatcher")


def look_at_learner(group: Group) -> Observation:
    """Whether one learns: the catalogue has a model."""
    if group.members:
        return Observation("learner", "ok", f"{counted(group.members, 'learner')} in the group {group.name}")
    text = (
        f"none runs (no member in the group {group.name}): the model stays as it is, and new customers' risks with it"
    )
    return Observation("learner", "warning", f"{text}. Start one: churn-signals learner, or say `model: off`")
