"""The corpus of commands: good ones are accepted for ever, bad ones are refused for the right reason."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from schemas.command import ACTIONS, Command, decode_command, decode_command_line, encode_command
from schemas.errors import RejectedError
from schemas.export import json_schemas
from schemas.receipt import ReceiptV1, decode_receipt, encode_receipt
from support.by_schema import validator_of

FOLDER: Final = Path(__file__).parents[1] / "data" / "contract" / "commands"
GOOD: Final = [json.loads(line) for file in sorted(FOLDER.glob("good.*")) for line in file.read_text().splitlines()]
BAD: Final = [json.loads(line) for line in (FOLDER / "bad.jsonl").read_text().splitlines()]
NO_MATTER_OF_FIELDS: Final = {"empty", "missing_key", "key_mismatch", "not_json", "too_deep"}
"""Reasons that no schema of a record gives."""
OF_TWO_FIELDS: Final = {"snooze that is over", "merge into itself"}
"""A schema does not compare."""


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["name"])
def test_a_good_record_becomes_the_command_it_says_and_survives_a_round_trip(case: dict[str, Any]) -> None:
    value, key = case["value"].encode(), case["key"].encode()
    command = decode_command(key, value)
    assert msgspec.to_builtins(command) == dict.fromkeys(Command.__struct_fields__) | case["command"]
    written = encode_command(command)
    assert decode_command(key, written) == command
    assert encode_command(decode_command_line(written)) == written
    assert validator_of(json_schemas()[f"command.{command.action}.v1"]).is_valid(json.loads(written))
    assert validator_of(json_schemas()[f"command.{command.action}.v1"]).is_valid(json.loads(value))


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["name"])
def test_a_bad_record_is_refused_with_reason_and_field(case: dict[str, Any]) -> None:
    with pytest.raises(RejectedError) as caught:
        decode_command(_bytes(case["key"]), _bytes(case["value"]))
    assert (caught.value.reason, caught.value.field) == (case["reason"], case["field"]), str(caught.value)
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own object
    assert str(copied) == str(caught.value)


@pytest.mark.parametrize(
    "case",
    [case for case in BAD if case["reason"] not in NO_MATTER_OF_FIELDS and case["name"] not in OF_TWO_FIELDS],
    ids=lambda case: case["name"],
)
def test_no_schema_accepts_what_the_decoder_refuses(case: dict[str, Any]) -> None:
    record = json.loads(case["value"])
    schemas = json_schemas()
    assert not any(validator_of(schemas[f"command.{action}.v1"]).is_valid(record) for action in ACTIONS)


def test_the_corpus_has_every_action() -> None:
    assert {case["command"]["action"] for case in GOOD} == {*ACTIONS}
    assert len({case["name"] for case in BAD}) == len(BAD) >= 40


def test_the_same_id_with_another_meaning_has_another_fingerprint() -> None:
    prints = {decode_command_line(case["value"].encode()).fingerprint for case in GOOD}
    assert len(prints) > len(GOOD) / 2


def test_a_receipt_is_read_as_it_was_written_and_fits_its_schema() -> None:
    receipt = ReceiptV1(
        command_id="k-1", action="outcome", customer_id="c-1", status="done", reason=None, by="Ann",
        at="2026-01-02T03:04:05Z", effective_at="2026-01-03T00:00:00Z", alert_id="0" * 32, signal="usage_drop",
        outcome="kept",
    )  # fmt: skip
    written = encode_receipt(receipt)
    assert decode_receipt(written) == receipt
    assert validator_of(json_schemas()["receipt.v1"]).is_valid(json.loads(written))
    assert decode_receipt(written.replace(b'"schema_version"', b'"more":1,"schema_version"')) == receipt
