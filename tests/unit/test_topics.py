"""The table of topics."""

from __future__ import annotations

from schemas.event import FEEDS
from schemas.topics import Topics, topic_table


def test_every_name_is_in_the_table_once() -> None:
    names = Topics("acme")
    table = [topic.name for topic in topic_table("acme")]
    assert table == [
        *names.events,
        names.ticks,
        names.commands,
        names.moved,
        names.receipts,
        names.alerts,
        names.alerts_open,
        names.suppressed,
        names.outcomes,
        names.attention,
        names.digests,
        names.lists,
        names.stages,
        names.erased,
        names.late,
        names.dead_letters,
        names.examples,
        names.models,
        names.changelog,
    ]
    assert len(set(table)) == len(table)
    assert names.inputs == (*names.events, names.ticks, names.commands, names.moved)
    assert names.events == tuple(f"acme.events.{feed}" for feed in FEEDS)


def test_topics_of_customers_have_the_same_partitions_and_those_of_all_of_them_one() -> None:
    table = topic_table("p", partitions=6, replication=3)
    assert {topic.replication for topic in table} == {3}
    single = {topic.name for topic in table if topic.partitions == 1}
    assert single == {"p.examples", "p.models", "p.attention", "p.digests", "p.lists"}
    assert {topic.partitions for topic in table if topic.name not in single} == {6}


def test_events_are_kept_for_ever_unless_said_otherwise() -> None:
    kept = {topic.retention_ms for topic in topic_table() if ".events." in topic.name}
    assert kept == {-1}
    cut = {topic.retention_ms for topic in topic_table(events_retention_ms=60_000) if ".events." in topic.name}
    assert cut == {60_000}


def test_compacted_topics_are_never_cut() -> None:
    compacted = {topic.name: topic for topic in topic_table() if topic.is_compacted}
    assert set(compacted) == {
        "churn.alerts.open", "churn.digests", "churn.erased", "churn.lists", "churn.models", "churn.moved",
        "churn.changelog",
    }  # fmt: skip
    assert all(topic.retention_ms is None for topic in compacted.values())
    assert int(compacted["churn.changelog"].config["min.compaction.lag.ms"]) >= 600_000


def test_what_speaks_of_customers_vanishes_within_a_day_or_two_of_a_tombstone() -> None:
    """All but what others post: events, and commands, which are gone after a month."""
    names, table = Topics("churn"), {topic.name: topic.config for topic in topic_table()}
    for name in {*table} - {*names.events, names.ticks, names.commands}:
        assert "compact" in table[name]["cleanup.policy"], name
        assert table[name]["max.compaction.lag.ms"] == "86400000", name
    assert int(table[names.commands]["retention.ms"]) + int(table[names.commands]["segment.ms"]) <= 30 * 86_400_000


def test_another_version_of_the_application_has_a_changelog_of_its_own() -> None:
    assert {topic.name for topic in topic_table()} - {topic.name for topic in topic_table(app_version=2)} == {
        "churn.changelog"
    }
    assert Topics("churn", 2).changelog == "churn.changelog-v2"
    assert Topics("churn", 2).alerts == Topics("churn").alerts
