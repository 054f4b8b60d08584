"""Records of version 1, which kept every bound as a day number. They are read, never written."""

import msgspec
from msgspec import Struct

from models.bounds import FAR, days_until
from models.customer import NEVER, Customer, EmailDay, Episode, Parcel, Risk, TicketDay, Verdict

_HEADER_BYTES = 13
_FEED_BITS = 4
"""Of a number of `hears`; above them the day from which on."""


class _CustomerV1(Struct, array_like=True):
    """As it was; what has a default came with time."""

    offsets: list[int]
    seen: bytes
    first: list[int]
    purchases: dict[int, list[int]]
    logins: dict[int, int]
    tickets: dict[int, TicketDay]
    emails: dict[int, EmailDay]
    totals: list[int]
    forgotten: list[int]
    reviewed: int
    stage: str | None
    stage_since: int
    episodes: dict[str, Episode]
    cooling: dict[str, tuple[int, float | None]]
    holding: dict[str, int]
    announced: dict[str, list[int]]
    pending: list[tuple[int, int]]
    has_late: bool
    is_at_risk: bool
    due: int
    fresh: list[int]
    quiet: list[int]
    outbox: list[Parcel]
    verdicts: list[Verdict]
    deaf: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0, 0])
    snapshots: bytes = b""
    risks: list[Risk] = []
    scored_by: str = ""
    hears: list[int] = []


_decoder = msgspec.msgpack.Decoder(_CustomerV1)
_SAME = tuple(name for name in _CustomerV1.__struct_fields__ if name not in ("fresh", "quiet", "deaf", "hears"))


def decode_v1(packed: bytes) -> Customer:
    """Unpack a record of version 1."""
    old = _decoder.decode(memoryview(packed)[_HEADER_BYTES:])
    reviewed = old.reviewed
    return Customer(
        **{name: getattr(old, name) for name in _SAME},
        fresh={feed: day for feed, day in enumerate(old.fresh) if day < NEVER},
        deaf=bytearray(min(days_until(day, reviewed), FAR) for day in old.deaf),
        quiet=bytearray(days_until(day, reviewed) for day in old.quiet),
        hears=bytearray(number & (1 << _FEED_BITS) - 1 for number in old.hears),
        hears_after=bytearray(days_until(number >> _FEED_BITS, reviewed) for number in old.hears),
    )
