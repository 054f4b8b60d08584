"""Commands are posted, and their receipts waited for."""

from __future__ import annotations

from time import monotonic
from typing import Final

import msgspec
from confluent_kafka.admin import AdminClient

from models.alerts.partitions import place_of_command
from models.calendar import Calendar
from schemas.command import Command, encode_command
from schemas.erasure import DEFAULT_SALT, erased_name
from schemas.receipt import ReceiptV1, decode_receipt
from schemas.topics import Topics
from streams.errors import SetupError
from streams.kafka.connection import connect
from streams.kafka.log_reader import Place
from streams.kafka.positions import latest_offsets
from streams.kafka.poster import BY_KEY, Poster
from streams.kafka.topic_reader import assigned_consumer, must_be_there, records_among
from streams.settings import Settings

WITHIN_S: Final = 15.0
"""How long the brokers may take to take a command."""


def post_command(settings: Settings, command: Command) -> int:
    """Post a command; returns once it is acknowledged, the offset at which its receipt can be at the earliest.

    Raises SetupError.
    """
    topics = Topics(settings.prefix)
    admin, cluster = connect(settings)
    must_be_there(cluster, (topics.commands, topics.receipts))
    first = _end_of(admin, _place(settings, topics, command))
    poster = Poster(settings)
    key, partition = command.customer_id.encode(), partition_to_post(settings, command)
    poster.send(topics.commands, key, encode_command(command), partition=partition, timestamp_ms=command.at_ms)
    poster.finish(f"topic {topics.commands}", within_s=WITHIN_S)
    return first


def partition_to_post(settings: Settings, command: Command) -> int:
    """For a producer: that of a feed's alert; else the key's, however many partitions are thought to be there."""
    if command.is_of_feed:
        return place_of_command(command, settings.partitions, Calendar(settings.zone))
    return BY_KEY


def receipt_of(settings: Settings, command: Command, first: int, within_s: float) -> ReceiptV1 | None:
    """The receipt of a command among those from an offset on, None when it has not come in so many seconds."""
    place = _place(settings, Topics(settings.prefix), command)
    consumer = assigned_consumer(settings, {place}, purpose="receipts", first=first)
    erased = erased_name(settings.erasure_salt or DEFAULT_SALT, command.customer_id)
    until = monotonic() + within_s
    try:
        while (left := until - monotonic()) > 0:
            for message in records_among(consumer.consume(1_000, min(left, 0.2)), {place}):
                if (value := message.value()) is None:
                    continue
                receipt = _decoded(place, value)
                if receipt.command_id == command.id and receipt.customer_id in (command.customer_id, erased):
                    return receipt
    finally:
        consumer.close()
    return None


def _place(settings: Settings, topics: Topics, command: Command) -> Place:
    return topics.receipts, place_of_command(command, settings.partitions, Calendar(settings.zone))


def _end_of(admin: AdminClient, place: Place) -> int:
    return latest_offsets(admin, [place])[place]


def _decoded(place: Place, value: bytes) -> ReceiptV1:
    try:
        return decode_receipt(value)
    except msgspec.MsgspecError as error:
        raise SetupError(f"topic {place[0]}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error
