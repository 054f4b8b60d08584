"""Who is erased leaves the output topics, too: each record that speaks of the customer gets a tombstone.

Nobody keeps the ids that are to be found: what lies on the topics is read once, the id in each record is hashed, and
looked up among the hashes of who was erased. The broker then takes the records away when it compacts the topic.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

import msgspec
from confluent_kafka import Message

from schemas.dead_letter import is_buried, to_dead_letter
from schemas.erasure import erased_name
from schemas.topics import Topics
from streams.kafka.log_reader import headers_of, reader
from streams.transport.published import EXAMPLES_PARTITION

_NAMED: Final = re.compile(rb'"(?:customer_id|subject)"\s*:\s*"([^"\\]{1,64})"')
"""Whom a record is about, whatever else is wrong with it."""


class Grave(NamedTuple):
    """Where a record lies that is to vanish."""

    topic: str
    partition: int
    key: bytes


class _Alert(msgspec.Struct):
    customer_id: str = ""


class _OfCustomer(_Alert):
    """What all records have that speak of a customer; what was not sent holds it in the alert."""

    alert: _Alert | None = None


_decode = msgspec.json.Decoder(_OfCustomer).decode


def named_in(key: bytes | None, value: bytes | None) -> set[str]:
    """Whom a record may be about that does not keep the contract."""
    found = {one.decode(errors="replace") for one in _NAMED.findall(value or b"")}
    return found | {key.decode(errors="replace")} if key else found


def graves_of(
    connection: Mapping[str, object],
    topics: Topics,
    partition: int,
    names: Collection[str],
    salt: str,
    *,
    stop: threading.Event,
) -> list[Grave]:
    """The records of erased customers (`names`) on all output topics of a partition, and on the learner's.

    Blocks. Raises what `LogReader.read` raises.
    """
    known: dict[str, bool] = {}

    def is_erased(customer_id: str) -> bool:
        if customer_id not in known:
            known[customer_id] = erased_name(salt, customer_id) in names
        return known[customer_id]

    found: dict[Grave, bool] = {}
    set_aside = {topics.late, topics.dead_letters}

    def take(message: Message) -> None:
        topic, key = str(message.topic()), message.key()
        if key is None:
            return  # of an earlier program: no tombstone reaches it, and it is not kept for ever
        grave = Grave(topic, int(message.partition() or 0), key)
        if topic in set_aside:
            found[grave] = _is_letter_of(message, is_erased)
        else:
            found[grave] = any(map(is_erased, _customers_in(message.value())))

    own = (topics.alerts, topics.alerts_open, topics.suppressed, topics.receipts, topics.outcomes, topics.stages)
    places = {(topic, partition): 0 for topic in (*own, *set_aside)} | {(topics.examples, EXAMPLES_PARTITION): 0}
    with reader(connection, stop=stop) as source:
        source.read(places, take)
    return [grave for grave, is_of_erased in found.items() if is_of_erased]


def _customers_in(value: bytes | None) -> set[str]:
    """Whom a record of ours is about."""
    if not value:
        return set()
    try:
        record = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return named_in(None, value)
    return {record.customer_id, "" if record.alert is None else record.alert.customer_id} - {""}


def _is_letter_of(message: Message, is_erased: Callable[[str], bool]) -> bool:
    headers = headers_of(message)
    if is_buried(message.value(), headers):
        return False
    try:
        key = to_dead_letter(message.key(), message.value(), headers).key
    except (ValueError, KeyError):  # not of this program
        key = message.key()
    return any(map(is_erased, named_in(key, message.value())))
