"""What the transport does: lag, progress, restores, rebalances, commits, and how the worker ended."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import Metric

from streams.errors import EXIT_DEAD_LETTER_LIMIT
from streams.metrics.families import counter, gauge, gauges
from streams.transport.status import Status


def transport_metrics(status: Status, now_ms: int) -> Iterator[Metric]:
    """One scrape's worth."""
    now = time.monotonic()
    yield gauges(
        "churn_consumer_lag_messages",
        "Records not taken yet, as far as the brokers said last.",
        ["topic", "partition"],
        (
            ([topic, str(partition)], count)
            for (topic, partition), count in sorted(status.lag.items())
            if count is not None and not status.is_leaving
        ),
    )
    yield counter("churn_frames", "Frames taken.", status.frames)
    yield counter(
        "churn_records", "Records taken from the input topics, ticks and redeliveries included.", status.records
    )
    yield gauge(
        "churn_last_progress_timestamp_seconds",
        "When something last moved: a frame, a restored record, an assignment.",
        now_ms / 1000 - (now - status.moved_at),
    )
    yield gauge(
        "churn_clock_timestamp_seconds", "The worker's own clock, to be held against Prometheus'.", now_ms / 1000
    )
    yield from _group(status, now)
    yield from _commits(status, now)
    yield gauge(
        "churn_stopped_at_dead_letter_limit",
        "1 once the worker has stopped at the dead-letter limit; it stays for some seconds before the process ends.",
        int(status.exit_code == EXIT_DEAD_LETTER_LIMIT),
    )


def _group(status: Status, now: float) -> Iterator[Metric]:
    yield gauge("churn_assigned_partitions", "Partitions owned.", len(status.assigned))
    yield gauge(
        "churn_group_member",
        "1 while the group has confirmed this member within its session timeout; at 0 what it owns may be another's.",
        int(status.is_member(now)),
    )
    yield counter("churn_rebalances", "Rebalances seen.", status.rebalances)
    yield gauge("churn_recovering", "1 while partitions are being restored.", int(status.is_restoring))
    yield gauge("churn_recovery_seconds", "Duration of the last restore.", status.restore_seconds)
    yield counter("churn_restores", "Restores done.", status.restores)
    yield counter(
        "churn_restored_records",
        "Records that restores read: of the changelog, and of the outputs since the snapshot.",
        status.restored_records,
    )
    yield counter(
        "churn_rewrites",
        "Of learner and dispatcher: records put again because an earlier owner's lay behind ours.",
        status.rewrites,
    )


def _commits(status: Status, now: float) -> Iterator[Metric]:
    yield counter("churn_commits", "Commits of source offsets.", status.commits)
    yield counter("churn_commit_failures", "Commits postponed.", status.commit_failures)
    since = status.uncommitted_since
    yield gauge(
        "churn_uncommitted_seconds",
        "For how long something has been waiting to be committed.",
        0.0 if since is None else max(0.0, now - since),
    )
    yield counter("churn_events_lost", "Offsets that were gone before they could be read.", status.lost_offsets)
