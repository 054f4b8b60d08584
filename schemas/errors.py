"""Why a record is refused: a closed list of reasons that is safe as a metric label."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    # the record
    "empty",
    "missing_key",
    "too_large",
    "too_deep",
    "too_many_keys",
    "string_too_long",
    "not_utf8",
    "not_json",
    "not_an_object",
    "bad_frame",
    "bad_cloudevent",
    # the envelope
    "missing_field",
    "wrong_type",
    "bad_id",
    "unknown_type",
    "wrong_topic",
    "unsupported_version",
    "bad_customer_id",
    "bad_time",
    "no_offset_in_time",
    "future",
    "bad_source",
    "key_mismatch",
    # the data
    "bad_money",
    "unknown_action",
    "unknown_value",
    "out_of_range",
    # judged by the worker, which knows where the record lay and what came before
    "wrong_partition",
    "id_conflict",
    "bad_tick",
]

REASONS: tuple[Reason, ...] = get_args(Reason)


class RejectedError(Exception):
    """A record does not keep the contract. Survives pickle; holds no content of the record beyond names and limits.

    `field` is the dotted path in the record as it was sent (`data.amount`), or None where the whole record is at fault.
    """

    def __init__(self, reason: Reason, detail: str, field: str | None = None) -> None:
        super().__init__(reason, detail, field)
        self.reason: Reason = reason
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        return f"{self.reason}{where}: {self.detail}"
