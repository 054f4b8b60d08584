"""Who is erased is known by a salted hash alone: the name under which commands and lists speak of such a customer."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal

import msgspec

DEFAULT_SALT: Final = "churn-signals"
"""Where a deployment sets none: with a salt that everybody knows, an id that is guessed can be looked for."""

_PREFIX: Final = "erased:"
"""No customer id holds a colon."""
_DIGITS: Final = 32


class ErasureV1(msgspec.Struct, frozen=True, tag="erasure", tag_field="type"):
    """A customer is erased as of `at`, a boundary (RFC 3339 text); `customer` is what `erased_name` gives.

    `salt` is what it gives for no id at all: whoever hashes with another salt would look in vain.
    Who keeps something of customers looks for it by the same hash of each id, and forgets it. Told once, and after a
    crash perhaps twice with the same content.
    """

    customer: str
    at: str
    salt: str
    schema_version: Literal[1] = 1


def erased_name(salt: str, customer_id: str) -> str:
    """What stands for a customer who is erased.

    >>> erased_name("pepper", "c-42")
    'erased:888a34d8e020c1f0df9377d5bdb23b47'
    """
    return _PREFIX + sha256(f"{salt}\0{customer_id}".encode()).hexdigest()[:_DIGITS]


def is_erased_name(customer_id: str) -> bool:
    """Whether it is such a name, and no customer's id."""
    return customer_id.startswith(_PREFIX)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ErasureV1)


def encode_erasure(erasure: ErasureV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(erasure)


def decode_erasure(value: bytes) -> ErasureV1:
    """The erasure in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
