"""Commands that read a partition take its records in as a worker does: in the order of each topic's log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.readback.state import in_step
from streams.transport.records import Record

TOPICS = ("purchase", "login", "ticks")
LOGS = st.fixed_dictionaries({topic: st.lists(st.integers(0, 9), max_size=8) for topic in TOPICS})


def records_of(logs: dict[str, list[int]], first: int = 0) -> dict[str, list[Record]]:
    return {
        topic: [Record(topic, None, None, first + at, time_ms) for at, time_ms in enumerate(times)]
        for topic, times in logs.items()
    }


@given(LOGS, st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 9)))
def test_each_topic_keeps_the_order_of_its_log_and_none_runs_ahead(
    logs: dict[str, list[int]], clocks: dict[str, int]
) -> None:
    merged = in_step(records_of(logs), clocks)
    for topic, times in logs.items():
        assert [record.offset for record in merged if record.topic == topic] == list(range(len(times)))
    assert [record.order_ms for record in merged] == sorted(record.order_ms for record in merged)
    assert all(record.order_ms >= max(record.timestamp_ms, clocks.get(record.topic, 0)) for record in merged)
