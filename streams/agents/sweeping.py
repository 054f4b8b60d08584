"""Who is erased leaves the output topics, too: each record that speaks of the customer gets a tombstone.

Nobody keeps the ids that are to be found: what lies on the topics is read once, the id in each record is hashed, and
looked up among the hashes of who was erased. The broker then takes the records away when it compacts the topic. A
segment that is still written to is not compacted, and nothing is written to some for days: so it is swept again at each
midnight, with tombstones anew, until nothing is found.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from confluent_kafka import Message

from schemas.dead_letter import is_buried, to_dead_letter
from schemas.erasure import erased_name
from schemas.topics import Topics
from streams.kafka.log_reader import headers_of, reader
from streams.transport.published import SHARED_PARTITION, shared_outputs

_NAMED: Final = re.compile(rb'"(?:customer_id|subject)"\s*:\s*"([^"\\]{1,64})"')
"""Whom a record is about, whatever else is wrong with it."""


class Grave(NamedTuple):
    """Where a record lies that is to vanish."""

    topic: str
    partition: int
    key: bytes


class Graves(NamedTuple):
    """Records that are to vanish, and of whom they are."""

    records: set[Grave]
    names: set[str]


class _Alert(msgspec.Struct):
    """`alias` and `by` are of what partitions tell each other; elsewhere `by` is who said something."""

    customer_id: str = ""
    alias: str = ""
    by: Any = None


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
    partitions: int,
    *,
    names: Collection[str],
    salt: str,
    stop: threading.Event,
) -> Graves:
    """What lies of erased customers (`names`) on all output topics of a partition of so many, and on shared ones.

    Also what has its tombstone and is not compacted yet. Blocks. Raises what `LogReader.read` raises.
    """
    known: dict[str, str] = {}
    found = Graves(set(), set())

    def name_of(customer_id: str) -> str:
        if customer_id not in known:
            known[customer_id] = erased_name(salt, customer_id)
        return known[customer_id]

    def take(message: Message) -> None:
        key, topic = message.key(), str(message.topic())
        about = _letter_about(message) if topic in set_aside else _about(message.value())
        of = {name for customer_id in about if (name := name_of(customer_id)) in names}
        if of and key is not None:  # without a key it is of an earlier program, and not kept for ever
            found.records.add(Grave(topic, int(message.partition() or 0), key))
            found.names.update(of)

    set_aside = {topics.late, topics.dead_letters}
    decided = (topics.alerts, topics.alerts_open, topics.suppressed, topics.receipts, topics.outcomes, topics.stages)
    places = {(topic, partition): 0 for topic in (*decided, topics.moved, topics.late)}
    places |= {(topic, SHARED_PARTITION): 0 for topic in shared_outputs(topics)}
    places |= {(topics.dead_letters, number): 0 for number in range(partitions)}  # some were posted to a wrong one
    with reader(connection, stop=stop) as source:
        source.read(places, take)
    return found


def _about(value: bytes | None) -> set[str]:
    """Whom a record of ours is about."""
    if not value:
        return set()
    try:
        record = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return named_in(None, value)
    alert = "" if record.alert is None else record.alert.customer_id
    return {record.customer_id, record.alias, *(record.by if isinstance(record.by, list) else ()), alert} - {""}


def _letter_about(message: Message) -> set[str]:
    """Whom a record that was set aside may be about."""
    headers = headers_of(message)
    if is_buried(message.value(), headers):
        return set()
    try:
        key = to_dead_letter(message.key(), message.value(), headers).key
    except (ValueError, KeyError):  # not of this program
        key = message.key()
    return named_in(key, message.value())
