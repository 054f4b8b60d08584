"""What the CloudEvents project's SDK writes for Kafka, we read: an outside witness to our reading of the standard."""

from __future__ import annotations

import pytest

from schemas.codec import decode_event
from schemas.event import PURCHASE
from schemas.instant import to_rfc3339
from support.builders import NOON_MS, purchase

http = pytest.importorskip("cloudevents.http", reason="the CloudEvents SDK is not installed")
kafka = pytest.importorskip("cloudevents.kafka", reason="the CloudEvents SDK is not installed")

ATTRIBUTES = {
    "type": "com.example.purchase.v1",
    "source": "test",
    "id": "e-1",
    "subject": "c1",
    "time": to_rfc3339(NOON_MS),
    "partitionkey": "c1",
    "datacontenttype": "application/json",
}
DATA = {"order_id": "o-1", "amount": 20.0, "currency": "EUR", "items": 1}


@pytest.mark.parametrize("mode", ["to_binary", "to_structured"])
def test_event_written_by_the_sdk_is_the_event_it_means(mode: str) -> None:
    message = getattr(kafka, mode)(http.CloudEvent(ATTRIBUTES, DATA), key_mapper=lambda event: event["partitionkey"])
    headers = [(name, bytes(content)) for name, content in message.headers.items()]
    event = decode_event(PURCHASE, message.key.encode(), message.value, headers, NOON_MS)
    assert event == purchase(id="e-1")
