"""How often outputs stand on their topics more than once."""

from __future__ import annotations

from collections import Counter

import msgspec

from support.reading import read_topic
from support.workers import Deployment


def repeated(deployment: Deployment) -> dict[str, int]:
    """Outputs that stand more than once on their topic, by topic without its prefix."""
    topics = deployment.topics
    found = {}
    for topic, fields in ((topics.alerts, ("alert_id", "revision")), (topics.stages, ("id",)), (topics.examples, ())):
        counts: Counter[object] = Counter()
        for message in read_topic(deployment.broker.bootstrap, topic):
            value = message.value() or b""
            decoded = msgspec.json.decode(value) if fields else {}
            counts[tuple(decoded[name] for name in fields) if fields else value] += 1
        found[topic.removeprefix(f"{deployment.prefix}.")] = sum(count - 1 for count in counts.values())
    return found
