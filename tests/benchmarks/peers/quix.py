"""Quix Streams: one dataframe over the four topics, a record at a time.

A function sees the state of the customer of its record alone; a partition judges everybody, so it stays in memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quixstreams import Application
from quixstreams.context import message_context
from quixstreams.models import Serializer, Topic

from benchmarks.outputs import Routed
from benchmarks.peers.fold import Fold, Record, from_command_line


class OfRouted(Serializer):  # type: ignore[misc] # Quix is not installed here
    """The value of a routed record."""

    def __call__(self, value: Routed, ctx: object) -> bytes | None:  # noqa: ARG002 - theirs
        return value.value


def main() -> None:
    """Run until all events are folded; leaving commits the last checkpoint."""
    settings, stopwatch = from_command_line()
    fold = Fold(settings)
    app = Application(
        broker_address=settings.bootstrap,
        consumer_group=f"{settings.prefix}-quix",
        auto_offset_reset="earliest",
        consumer_poll_timeout=0.05,  # a second, the default, is lost each time a topic runs dry before the others
        state_dir=Path(sys.argv[2]).with_suffix(".state"),
        producer_extra_config={"partitioner": "murmur2_random"},
    )
    topics: dict[str, Topic] = {}

    def topic_of(routed: Routed, *_: object) -> Topic:
        if routed.topic not in topics:
            topics[routed.topic] = app.topic(routed.topic, key_serializer="bytes", value_serializer=OfRouted())
        return topics[routed.topic]

    def take(value: bytes, key: bytes, _timestamp: int, _headers: object) -> list[Routed]:
        place = message_context()
        stopwatch.taking(1)
        outputs = fold.take(place.partition, [Record(place.topic, place.offset, key, value)])
        if stopwatch.is_over:
            app.stop()
        return outputs

    frames = [
        app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes"))
        for name in fold.topics.events
    ]
    events = frames[0]
    for frame in frames[1:]:
        events = events.concat(frame)
    outputs = events.apply(take, metadata=True, expand=True)
    outputs.to_topic(topic_of, key=lambda routed: routed.key)
    app.run()
    stopwatch.stop()


if __name__ == "__main__":
    main()
