"""What became of a command, as it is published: one receipt for each, at the boundary at which it was decided."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

import msgspec

from schemas.command import Action, AlertOutcome

ReceiptStatus = Literal["done", "refused"]
ReceiptReason = Literal["no_open_alert", "too_late", "already_over", "erased", "merged", "already_merged", "circle"]
"""Why a command was refused: no alert of this id was open for this customer; the command came too late; its snooze is
over before it takes effect; the customer is erased by then; or goes by another id (`into`), by which to speak of them;
or is an alias of somebody already, or is to be one of their own alias."""


class ReceiptV1(msgspec.Struct, frozen=True):
    """`effective_at` is the boundary from which on the command counts, `at` is when it was said: RFC 3339 text.

    `signal` is that of the alert, where there was one. `into`: whose alias the customer is. `reason` is None when it is
    done. Of who is erased by then `customer_id` is a salted hash (`schemas.erasure`), and nothing is said of alerts. A
    pure function of events and commands: told once, and after a crash perhaps twice with the same content.
    """

    command_id: str
    action: Action
    customer_id: str
    status: ReceiptStatus
    reason: ReceiptReason | None
    by: str
    at: str
    effective_at: str
    alert_id: str | None = None
    signal: str | None = None
    outcome: AlertOutcome | None = None
    until: str | None = None
    note_id: str | None = None
    into: str | None = None
    schema_version: Literal[1] = 1


def receipt_key(receipt: ReceiptV1) -> bytes:
    """The key of its record, one each: ids of commands are unique by customer only."""
    said = f"{receipt.customer_id}\0{receipt.command_id}\0{receipt.at}\0{receipt.effective_at}"
    return sha256(said.encode()).hexdigest()[:32].encode()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ReceiptV1)


def encode_receipt(receipt: ReceiptV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(receipt)


def decode_receipt(value: bytes) -> ReceiptV1:
    """The receipt in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
