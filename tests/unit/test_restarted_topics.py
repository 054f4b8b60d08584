"""A topic that ends before what was read of it is not the topic it was."""

from __future__ import annotations

from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from schemas.event import LOGIN
from schemas.topics import Topics
from streams.agents.restarted_topics import find_restarted
from support.builders import login
from support.troubled import default_rules

TOPICS = Topics("churn")
LOGINS = TOPICS.event(LOGIN)


def test_topic_that_ends_before_what_was_read_is_named() -> None:
    partition = Partition(default_rules())
    partition.observe([Arrival(LOGIN, 41, login())])
    assert find_restarted({3: partition}, lambda _: {LOGINS: 42}, TOPICS) is None
    assert find_restarted({3: partition}, lambda _: {LOGINS: 100}, TOPICS) is None, "read on, not yet in the record"
    assert find_restarted({3: partition}, lambda _: {}, TOPICS) is None, "still being read"
    reason = find_restarted({3: partition}, lambda _: {LOGINS: 41}, TOPICS)
    assert f"{LOGINS}/3 ends at offset 41, but was read up to 42 before" in str(reason)
