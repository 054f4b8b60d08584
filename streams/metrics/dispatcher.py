"""What a dispatcher exposes: how long each owner's list is, and as of when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.registry import Collector

from models.calendar import Calendar
from streams.agents.dispatcher import DispatcherAgent
from streams.metrics.families import counter, counters, gauge, gauges
from streams.metrics.transport import transport_metrics
from streams.transport.status import Status

LISTS: Final = ("new", "open", "past_due", "waiting")
ANSWERED: Final = ("in_hand", "snoozed")


class DispatcherMetrics(Collector):
    """Everything a dispatcher tells Prometheus; of the lists nothing while it does not own them."""

    def __init__(self, agent: DispatcherAgent, status: Status, calendar: Calendar, now_ms: Callable[[], int]) -> None:
        self._agent, self._status, self._calendar, self._now_ms = agent, status, calendar, now_ms

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        lists = self._agent.lists
        if lists is not None:
            done, newest = lists.backlog.done, [*self._agent.newest.values()]
            yield gauge(
                "churn_digest_timestamp_seconds",
                "The boundary as of which every owner's list was made last: event time.",
                None if done < 0 else self._calendar.start_of(done) / 1000,
            )
            yield gauges(
                "churn_digest_customers",
                "Customers on an owner's newest list: new, still open, past due among these, waiting for room.",
                ["owner", "list"],
                (([one.owner, name], float(getattr(one.counts, name))) for one in newest for name in LISTS),
            )
            yield gauges(
                "churn_digest_alerts",
                "Open alerts that an owner has acknowledged, or that are snoozed, as of the newest list.",
                ["owner", "state"],
                (([one.owner, name], float(getattr(one.counts, name))) for one in newest for name in ANSWERED),
            )
            yield gauge("churn_digest_items", "Alerts that the lists are made of.", float(len(lists)))
        yield counters(
            "churn_digests",
            "Digests sent.",
            ["owner"],
            (([owner], count) for owner, count in sorted(self._agent.sent.items())),
        )
        yield counter("churn_told_refused", "Records refused as what lists are made of.", self._agent.refused)
        yield from transport_metrics(self._status, self._now_ms())
