"""Alerts as they come: from now on, or from an earlier time."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import OFFSET_END, TopicPartition

from schemas.alert import AlertV1
from schemas.topics import Topics
from streams.kafka.connection import CONTACT_WITHIN_S, connect
from streams.kafka.topic_reader import assigned_consumer, must_be_there, records_among
from streams.readback.state import decoded
from streams.settings import Settings


def follow_alerts(settings: Settings, since_ms: int | None = None) -> Iterator[AlertV1]:
    """Every revision that is published from now on, or since a time of publishing (epoch ms); never ends.

    Raises SetupError when the topic is missing or holds what is not ours.
    """
    topic = Topics(settings.prefix).alerts
    _, cluster = connect(settings)
    must_be_there(cluster, [topic])
    places = {(topic, number) for number in cluster.topics[topic].partitions}
    consumer = assigned_consumer(settings, places, purpose="alerts", first=OFFSET_END)
    try:
        if since_ms is not None:
            wanted = [TopicPartition(*place, since_ms) for place in sorted(places)]
            consumer.assign(
                consumer.offsets_for_times(wanted, timeout=CONTACT_WITHIN_S)
            )  # the end where none is so new
        while True:
            for message in records_among(consumer.consume(1_000, 0.2), places):
                if value := message.value():
                    yield decoded(topic, value)
    finally:
        consumer.close()
