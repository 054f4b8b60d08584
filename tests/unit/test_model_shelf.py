"""Where workers take the model from: a bad record is refused and counted, the last good version goes on scoring."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.labels import Question
from models.learning.churn import new_committee
from models.scoring.features import feature_names
from schemas.model_version import ModelVersionV1, encode_model_version, sealed
from streams.agents.models import Shelf
from support.troubled import default_rules

RULES = default_rules()
NAMES = feature_names(RULES.basis.feeds)


QUESTION = Question(60, 90)


def version(question: Question = QUESTION, names: tuple[str, ...] = NAMES) -> bytes:
    committee = new_committee(question, names).to_state()
    return encode_model_version(sealed(ModelVersionV1("churn", "2026-01-05T00:00:00Z", committee, {}, 0)), 1)


GOOD = version()
POISON = {
    "not_finite": GOOD.replace(b'"means":[0.0,', b'"means":[1e999,'),
    "other_features": version(names=NAMES[:-1]),
    "other_question": version(Question(30, 90)),
    "undecodable": GOOD[:-30],
    "other_format": GOOD.replace(b'"format":1', b'"format":2'),
    "checksum": GOOD.replace(b'"labels":[0,0]', b'"labels":[9,9]'),
    "too_large": b" " * 10_000_000,
}


@pytest.mark.parametrize("reason", POISON)
def test_a_bad_record_is_refused_by_name_and_the_last_good_one_keeps_scoring(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(RULES)
    shelf.put(GOOD)
    good = shelf.current
    assert good is not None
    assert good.risks(np.zeros((1, len(NAMES)))) == pytest.approx([0.5])
    shelf.put(POISON[reason])
    assert shelf.current is good
    assert dict(shelf.refused) == {"undecodable" if reason == "not_finite" else reason: 1}  # JSON knows no infinity
    assert f"version {good.name} goes on scoring" in caplog.text


def test_before_the_first_good_record_there_is_no_model() -> None:
    shelf = Shelf(RULES)
    shelf.put(POISON["checksum"])
    shelf.put(None)
    assert shelf.current is None
    assert msgspec.json.encode(dict(shelf.refused)) == b'{"checksum":1}'
