"""How often signals are right, by people and by those held out; and thresholds that are proposed, or are not."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detection.proportion import share_by_customer, wilson
from models.precision import Evidence, SignalPrecision, Worse
from schemas.alert import AlertV1, Arm
from schemas.command import AlertOutcome
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1
from support.experiments import outcome
from support.tries import tries

Record = AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1
SIGNAL = "loyal_gone_silent"
WORSE: dict[str, Worse] = {SIGNAL: "higher"}


def alert(number: int, *, customer: str | None = None, score: float | None = 30.0, threshold: float | None = 20.0,
          revision: int = 1, arm: Arm | None = None, **more: Any) -> AlertV1:  # fmt: skip
    given: dict[str, Any] = {
        "alert_id": f"{number:032x}", "revision": revision, "status": "firing", "signal": SIGNAL,
        "polarity": "negative", "severity": "error", "summary": "Silent.", "customer_id": customer or f"c{number}",
        "stage": "lapsed", "owner": "Retention", "intervention": "Call.", "playbook_url": "", "starts_at": "",
        "observed_at": "", "due_at": None, "ends_at": None, "score": score, "threshold": threshold, "drivers": (),
        "clears_when": "", "value_at_risk": None, "corroborated_by": (), "model": None, "catalogue": "", "evidence": (),
        "arm": arm, "historical": False,
    }  # fmt: skip
    return AlertV1(**(given | more))


def said(number: int, word: AlertOutcome, *, day: int = 5, customer: str | None = None, **more: Any) -> ReceiptV1:
    given: dict[str, Any] = {
        "command_id": f"k{number}-{day}", "action": "outcome", "customer_id": customer or f"c{number}",
        "status": "done", "reason": None, "by": "Ann", "at": f"2026-02-{day:02}T10:00:00Z",
        "effective_at": f"2026-02-{day + 1:02}T00:00:00Z", "alert_id": f"{number:032x}", "signal": SIGNAL,
        "outcome": word,
    }  # fmt: skip
    return ReceiptV1(**(given | more))


def held(number: int, **more: Any) -> SuppressedV1:
    return SuppressedV1("held_out", "2026-02-03T00:00:00Z", None, alert(number, arm="holdout", **more))


def judged(*records: Record) -> SignalPrecision:
    evidence = Evidence()
    for one in records:
        evidence.add(one)
    (found,) = evidence.judged(WORSE)
    return found


def test_what_people_said_and_what_came_of_the_held_out_stand_apart() -> None:
    found = judged(
        *(alert(number) for number in range(6)),
        said(0, "kept"), said(1, "lost"), said(2, "false_alarm"),
        held(10), held(11), outcome(10, "holdout", False), outcome(11, "holdout", True),  # noqa: FBT003
        outcome(3, "treated", True),  # noqa: FBT003
    )  # fmt: skip
    assert (found.alerts, found.answered, found.held_out) == (8, 3, 2)
    assert found.words == {"kept": 1, "lost": 1, "false_alarm": 1}
    assert found.by_people == wilson(2, 3)
    assert found.observed == wilson(1, 2)
    assert found.proposal is None
    assert found.no_proposal is not None
    assert found.no_proposal.startswith("too few")


def test_nothing_known_is_not_zero() -> None:
    found = judged(alert(1), outcome(1, "treated", False))  # noqa: FBT003
    assert (found.alerts, found.by_people, found.observed) == (1, None, None)
    assert Evidence().judged(WORSE)[0].alerts == 0


def test_the_last_word_counts_in_receipts_and_on_alerts() -> None:
    assert judged(said(1, "kept", day=7), said(1, "false_alarm", day=5)).words["kept"] == 1
    assert (
        judged(alert(1), alert(1, revision=3, outcome="lost"), alert(1, revision=2, outcome="kept")).words["lost"] == 1
    )
    refused = said(1, "kept", status="refused", reason="no_open_alert", signal=None)
    assert judged(refused, alert(1)).answered == 0


RECORDS = st.lists(
    st.one_of(
        st.builds(alert, st.integers(0, 9), revision=st.integers(1, 4), outcome=st.sampled_from((None, "kept"))),
        st.builds(said, st.integers(0, 9), st.sampled_from(("kept", "lost", "false_alarm")), day=st.integers(1, 9)),
        st.builds(held, st.integers(20, 29)),
        st.builds(outcome, st.integers(20, 29), st.just("holdout"), st.booleans()),
    ),
    max_size=30,
    unique_by=lambda one: (type(one), getattr(one, "alert_id", ""), getattr(one, "revision", 0), getattr(one, "at", 0)),
)


@given(RECORDS, st.data())
def test_order_and_repetition_say_nothing_and_counts_reconcile(records: list[Record], data: st.DataObject) -> None:
    again = data.draw(st.permutations([*records, *records[:5]]))
    found = judged(*records)
    assert judged(*again) == found
    assert sum(found.words.values()) == found.answered <= found.alerts
    assert (found.by_people is None) == (found.answered == 0)
    assert (found.observed is None) == (found.held_out == 0)


def test_customers_with_many_alerts_make_the_interval_wider() -> None:
    alone = share_by_customer((f"c{number}", number % 2 == 0) for number in range(40))
    many = share_by_customer((f"c{number % 8}", number % 2 == 0) for number in range(40))
    assert alone == wilson(20, 40)
    assert many is not None
    assert alone is not None
    assert (many.hits, many.of) == (20, 40)
    assert many.high - many.low > 1.5 * (alone.high - alone.low)
    assert share_by_customer([("a", True)] * 9) == msgspec.structs.replace(wilson(1, 1), hits=9, of=9)  # type: ignore[type-var] # it is known


# -- proposals


def world(seed: int, *, tells: bool, size: int = 400, varying: bool = False, sign: int = 1) -> list[Record]:
    """Alerts answered by people: where the score tells, right ones are far beyond their threshold."""
    rng, records = Random(seed), list[Record]()
    for number in range(size):
        is_right = rng.random() < 0.5
        threshold = rng.uniform(10, 40) if varying else 20.0
        far = rng.uniform(1.5, 3) if tells and is_right else rng.uniform(1, 1.7 if tells else 3)
        score = threshold * far if sign > 0 else threshold / far
        records += [
            alert(number, score=score, threshold=threshold),
            said(number, rng.choice(("kept", "lost")) if is_right else "false_alarm"),
        ]
    return records


@pytest.mark.parametrize("varying", [False, True])
def test_a_score_that_tells_gets_a_threshold_that_others_confirm(varying: bool) -> None:  # noqa: FBT001
    found = judged(*world(1, tells=True, varying=varying)).proposal
    assert found is not None
    assert (found.scale, found.present) == (("times", 1.0) if varying else ("score", 20.0))
    assert 1.4 <= found.proposed / found.present <= 1.75
    assert found.after.low > found.before.share
    assert found.false_dropped.low > found.right_dropped.high
    assert found.judged == found.before.of == found.false_dropped.of + found.right_dropped.of
    assert found.after.of == found.judged - found.false_dropped.hits - found.right_dropped.hits


def test_where_lower_is_worse_the_threshold_goes_down() -> None:
    evidence = Evidence()
    for one in world(2, tells=True, sign=-1):
        evidence.add(one)
    (found,) = evidence.judged({SIGNAL: "lower"})
    assert found.proposal is not None
    assert found.proposal.proposed < found.proposal.present


def test_a_score_that_tells_nothing_gets_none_but_by_rare_chance() -> None:
    seeds = tries(200)
    proposed = sum(judged(*world(seed, tells=False)).proposal is not None for seed in range(seeds))
    assert proposed <= 0.06 * seeds + 1


def test_what_became_of_the_held_out_is_evidence_as_well() -> None:
    rng, records = Random(4), list[Record]()
    for number in range(300):
        stays_away = rng.random() < 0.5
        records.append(held(number, score=20 * (rng.uniform(1.5, 3) if stays_away else rng.uniform(1, 1.5))))
        records.append(outcome(number, "holdout", not stays_away))
    assert judged(*records).proposal is not None
    told = [
        alert(int(one.alert.alert_id, 16), score=one.alert.score) if isinstance(one, SuppressedV1)
        else msgspec.structs.replace(one, arm="treated") if isinstance(one, OutcomeV1) else one
        for one in records
    ]  # fmt: skip
    assert judged(*told).no_proposal is not None, "who was told may have been won"


def test_thresholds_without_a_common_scale_and_scores_that_are_unknown_are_no_evidence() -> None:
    records = [
        msgspec.structs.replace(one, threshold=-1.0 if int(one.alert_id, 16) % 2 else 1.0) if isinstance(one, AlertV1)
        else one
        for one in world(5, tells=True)
    ]  # fmt: skip
    told = judged(*records).no_proposal
    assert told is not None
    assert "no common scale" in told
    unknown = [msgspec.structs.replace(one, score=None) if isinstance(one, AlertV1) else one for one in records]
    assert (judged(*unknown).no_proposal or "").startswith("too few")


def test_a_signal_that_is_not_in_the_catalogue_is_judged_without_a_proposal() -> None:
    evidence = Evidence()
    for one in world(6, tells=True):
        evidence.add(one)
    (found,) = evidence.judged({})
    assert found.by_people is not None
    assert found.no_proposal == "it is none of the signals of the catalogue"
