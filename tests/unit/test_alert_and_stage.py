"""What goes out: alerts and stage changes, their ids and their bytes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from schemas.alert import (
    OPEN,
    STATUS_OF_END,
    AlertV1,
    Driver,
    EndReason,
    ModelRef,
    Money,
    alert_id,
    decode_alert,
    encode_alert,
)
from schemas.stage import StageChangeV1, decode_stage_change, encode_stage_change, stage_change_id

ALERT = AlertV1(
    alert_id=alert_id("c1", "usage_drop", "2026-01-15"),
    revision=2,
    status="updated",
    signal="usage_drop",
    polarity="negative",
    severity="warning",
    summary="Engagement fell to 40 % of usual.",
    customer_id="c1",
    stage="active",
    owner="Product",
    intervention="Ask what changed.",
    playbook_url="https://example.com/usage-drop",
    starts_at="2026-01-15T00:00:00Z",
    observed_at="2026-01-16T00:00:00Z",
    due_at="2026-01-21T00:00:00Z",
    ends_at=None,
    score=0.4,
    threshold=0.5,
    drivers=(Driver("engagement_14d", 4, 10.0, -6.0), Driver("slope_z", None, None, 0.0)),
    clears_when="z above -1.5",
    value_at_risk=Money(120.5, "EUR"),
    corroborated_by=("support_spike",),
    model=ModelRef("churn", "v3", cold=False),
    catalogue="abc123",
    evidence=("e-1", "e-2"),
    arm=None,
    historical=False,
)


def test_alert_id_is_the_hash_of_customer_signal_and_day_separated_by_nul() -> None:
    expected = sha256(b"c1\0usage_drop\x002026-01-15").hexdigest()[:32]
    assert alert_id("c1", "usage_drop", "2026-01-15") == expected
    assert alert_id("a", "bc", "d") != alert_id("ab", "c", "d")


def test_alert_survives_a_round_trip() -> None:
    assert decode_alert(encode_alert(ALERT)) == ALERT


def test_alert_fields_are_written_in_the_order_of_the_contract() -> None:
    names = list(msgspec.json.decode(encode_alert(ALERT)))
    assert names == list(msgspec.structs.asdict(ALERT))
    assert names[:3] == ["alert_id", "revision", "status"]
    assert names[-1] == "schema_version"


def test_alert_of_a_later_minor_version_is_read() -> None:
    written = encode_alert(ALERT)[:-1] + b',"tone":"urgent"}'
    assert decode_alert(written) == ALERT


def test_alert_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_alert(encode_alert(ALERT).replace(b'"schema_version":1', b'"schema_version":2'))


def corpus() -> list[dict[str, Any]]:
    """Alerts as versions of the program wrote them: read for ever."""
    lines = (Path(__file__).parents[1] / "data" / "contract" / "alerts" / "v1.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("case", corpus(), ids=lambda case: str(case["name"]))
def test_alerts_of_earlier_versions_are_read_as_they_were_written(case: dict[str, Any]) -> None:
    alert = decode_alert(json.dumps(case["alert"]).encode())
    written = json.loads(encode_alert(alert))
    assert {name: written[name] for name in case["alert"]} == case["alert"]
    added = written.keys() - case["alert"].keys()
    defaults = dict(zip(AlertV1.__struct_fields__[::-1], AlertV1.__struct_defaults__[::-1], strict=False))
    assert all(getattr(alert, name) == defaults[name] for name in added)


def test_every_end_has_a_status_that_is_over_and_only_two_reasons_are_a_success() -> None:
    assert set(STATUS_OF_END) == set(get_args(EndReason))
    assert not set(STATUS_OF_END.values()) & OPEN
    assert STATUS_OF_END["lost"] == "lost"
    assert [reason for reason, status in STATUS_OF_END.items() if status == "lost"] == ["lost"]


def test_stage_change_survives_a_round_trip_and_its_id_is_of_customer_and_boundary() -> None:
    at = "2026-01-16T00:00:00Z"
    change = StageChangeV1(
        id=stage_change_id("c1", at),
        customer_id="c1",
        at=at,
        from_stage=None,
        to_stage="new",
        cause="first activity",
        days_in_previous=None,
        spend_so_far=Money(0.0, "EUR"),
        historical=True,
        catalogue="abc123",
    )
    assert decode_stage_change(encode_stage_change(change)) == change
    assert change.id == sha256(b"c1\x002026-01-16T00:00:00Z").hexdigest()[:32]
