"""A model's record: what is written comes back, what is not ours is refused with a reason."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from models.labels import Question
from models.learning.churn import new_committee
from models.scoring.features import feature_names
from schemas.epoch import PREFIX_BYTES, epoch_of
from schemas.model import MAX_MODEL_BYTES, ModelStateError
from schemas.model_version import ModelVersionV1, decode_model_version, encode_model_version, sealed

COMMITTEE = new_committee(Question(60, 90), feature_names([0])).to_state()
MODEL = sealed(ModelVersionV1("churn", "2026-01-05T00:00:00Z", COMMITTEE, {}, 3))


def refusal(value: bytes) -> str:
    with pytest.raises(ModelStateError) as refused:
        decode_model_version(value)
    return refused.value.reason


def test_what_is_written_comes_back() -> None:
    assert decode_model_version(encode_model_version(MODEL, 7)) == MODEL
    assert epoch_of(encode_model_version(MODEL, 7)) == (7).to_bytes(4, "big")


def test_the_version_names_date_and_content_and_not_the_place_on_the_topic() -> None:
    assert MODEL.version == f"2026-01-05-{MODEL.checksum[:8]}"
    assert sealed(msgspec.structs.replace(MODEL, resume_offset=99)).version == MODEL.version
    other = msgspec.structs.replace(COMMITTEE, labels=[1, 2])
    assert sealed(msgspec.structs.replace(MODEL, committee=other)).version != MODEL.version


def test_records_that_are_no_model_are_refused() -> None:
    good = encode_model_version(MODEL, 1)
    assert refusal(good[:-20]) == "undecodable"
    assert refusal(good[:PREFIX_BYTES] + b"{}") == "undecodable"
    for field in ("learned_until", "warm_since"):
        dateless = sealed(msgspec.structs.replace(MODEL, **{field: "one day"}))
        assert refusal(encode_model_version(dateless, 1)) == "undecodable"
    assert refusal(b"") == "undecodable"
    assert refusal(good.replace(b'"labels":[0,0]', b'"labels":[0,1]')) == "checksum"
    assert refusal(good.replace(b'"format":1', b'"format":2')) == "other_format"
    assert refusal(b" " * (MAX_MODEL_BYTES + 1)) == "too_large"


GOOD = encode_model_version(MODEL, 1)


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("undecodable", GOOD[: len(GOOD) // 2]),
        ("undecodable", GOOD.replace(b'"format":1', b'"format":1,"more":1')),
        ("undecodable", GOOD.replace(b'"boundary":', b'"boundary":null,"b":')),
        ("undecodable", GOOD[:PREFIX_BYTES] + pickle.dumps({"format": 1})),
        ("undecodable", GOOD[:PREFIX_BYTES] + b"[" * 100_000),
        ("undecodable", GOOD[:PREFIX_BYTES] + b"7"),
        ("not_finite", GOOD.replace(b'"squares":[0.0', b'"squares":[-1.0', 1)),
        ("shape", GOOD.replace(b'"squares":[', b'"squares":[1,', 1)),
        ("too_large", GOOD + b" " * MAX_MODEL_BYTES),
    ],
)
def test_bytes_that_no_learner_wrote_are_refused_by_name(reason: str, value: bytes) -> None:
    assert refusal(value) == reason


@pytest.mark.parametrize("number", [b"1e999", b"NaN", b"-Infinity", b'"0"', b"null"])
def test_weights_that_are_no_numbers_are_refused(number: bytes) -> None:
    good = encode_model_version(MODEL, 1)
    assert b'"weights":[0.0,' in good
    assert refusal(good.replace(b'"weights":[0.0,', b'"weights":[' + number + b",")) in ("not_finite", "undecodable")
