"""Writes records as version 1 of the format had them, from what the present version holds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from models.bounds import FOREVER
from models.customer_record import decode_customer, peek
from models.customer_record_v1 import _CustomerV1
from models.partition_record import PARTITION_KEY

from models.customers.columns import NEVER
from support.one_partition import Worker

_SPECIAL = ("fresh", "quiet", "deaf", "hears")


def as_version_1(packed: bytes) -> bytes:
    """The same customer as version 1 wrote it: every bound as a day number."""
    customer, header = decode_customer(packed), peek(packed)

    def day(days: int) -> int:
        return NEVER if days == FOREVER else customer.reviewed + days

    heard = zip(customer.hears, customer.hears_after, strict=True)
    old = _CustomerV1(
        **{name: getattr(customer, name) for name in _CustomerV1.__struct_fields__ if name not in _SPECIAL},
        fresh=[customer.fresh.get(feed, NEVER) for feed in range(4)],
        quiet=[day(days) for days in customer.quiet],
        deaf=[day(days) for days in customer.deaf],
        hears=[day(after) << 4 | feeds for feeds, after in heard],
    )
    numbers = (header.epoch, header.due, header.flags)
    return b"\x01" + b"".join(number.to_bytes(4, "big") for number in numbers) + msgspec.msgpack.encode(old)


class WorkerOfVersion1(Worker):
    """Leaves records of version 1 behind, for the next life to find."""

    def ordered(self, writes: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Every customer as version 1 wrote it."""
        return [
            (key, packed if key == PARTITION_KEY else as_version_1(packed)) for key, packed in super().ordered(writes)
        ]
