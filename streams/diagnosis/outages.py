"""Whether a feed is down: what the open alerts that tell of one say, and which of them nobody has taken on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from confluent_kafka import KafkaException

from models.alerts.partitions import place_of_alert
from models.catalogue.rules import Rules
from schemas.alert import AlertV1
from schemas.envelope import OF_FEED
from schemas.event import FEEDS
from schemas.instant import from_rfc3339
from streams.diagnosis.observation import Observation
from streams.errors import SetupError
from streams.readback.state import open_alerts
from streams.settings import Settings
from streams.text.wording import feed_down, written_date

DIGITS: Final = 8
"""Of an alert's id: enough for `ack`, and a line holds the ids of many partitions."""


def look_at_outages(settings: Settings, rules: Rules) -> Iterator[Observation]:
    """Say of each declared feed that is down where, since when, and how to take it on."""
    if rules.basis.silence is None:
        yield Observation("feeds", "ok", "the catalogue has no `outage`: whether one is down is not asked")
        return
    try:
        found = list(outages_among(open_alerts(settings), rules, settings.partitions))
    except (SetupError, KafkaException) as error:
        told = error.args[0].str() if isinstance(error, KafkaException) else error
        yield Observation("feeds", "warning", f"unknown whether one is down: {told}")
        return
    yield from found or [Observation("feeds", "ok", "no open alert says that one is down")]


def outages_among(alerts: Iterable[AlertV1], rules: Rules, partitions: int) -> Iterator[Observation]:
    """One for each feed that open alerts say is down."""
    by_feed = defaultdict(list)
    for alert in alerts:
        if alert.is_of_feed:
            by_feed[alert.customer_id.removeprefix(OF_FEED)].append((place_of_alert(alert, partitions), alert))
    for feed, found in sorted(by_feed.items()):
        found.sort(key=lambda one: one[0])
        numbers = ", ".join(str(place) for place, _ in found)
        where = f"partition{'s'[: len(found) > 1]} {numbers}"
        first = min((alert.starts_at for _, alert in found), key=from_rfc3339)
        text = feed_down(feed, where, written_date(first, rules.basis.calendar.zone), rules.held_by(FEEDS.index(feed)))
        owed = " ".join(alert.alert_id[:DIGITS] for _, alert in found if alert.is_owed)
        answer = f"Take it on by `churn-signals ack`, once for each of {owed}" if owed else "No answer is owed"
        yield Observation("feeds", "warning", f"{text}, until a day brings events. Look at what posts it. {answer}")
