"""Events that say what time it is: one of every feed in every partition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confluent_kafka import Producer

from schemas.codec import encode_event, new_event
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET, Email, EventData, Login, Purchase, Ticket
from schemas.partitioner import partition_of
from support.workers import Deployment

_DATA: Final[dict[int, EventData]] = {
    PURCHASE: Purchase(order_id="order", amount=10.0, currency="USD", items=1),
    LOGIN: Login(),
    TICKET: Ticket(ticket_id="ticket", action="resolved", category="other"),
    EMAIL: Email(action="sent"),
}


def post_everywhere(deployment: Deployment, time_ms: int, id_prefix: str) -> int:
    """Let every clock of every partition come to an instant; returns the number of events this took."""
    customers = [_customer_in(partition, deployment.partitions) for partition in range(deployment.partitions)]
    events = [(feed, customer) for customer in customers for feed in range(len(FEEDS))]
    _post(deployment, events, time_ms, id_prefix)
    return len(events)


def _customer_in(partition: int, partitions: int) -> str:
    """A customer of every load whose events go to a partition."""
    names = (f"customer-{number:07}" for number in range(1_000))
    return next(name for name in names if partition_of(name.encode(), partitions) == partition)


def _post(deployment: Deployment, events: Sequence[tuple[int, str]], time_ms: int, id_prefix: str) -> None:
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap, "partitioner": "murmur2_random"})
    for feed, customer in events:
        event = new_event(feed, customer, time_ms, _DATA[feed], source="shop", id=f"{id_prefix}-{feed}-{customer}")
        producer.produce(deployment.topics.event(feed), encode_event(event), customer.encode(), timestamp=time_ms)
    assert producer.flush(30) == 0, "the broker does not take the events"
