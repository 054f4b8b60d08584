"""What is asked of a learner, after the checks River runs on its own estimators, and of what it leaves behind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import inf, nan
from typing import Any

import msgspec
import numpy as np
import pytest
from river import linear_model, optim, preprocessing

from models.labels import WHOLE, Question
from models.learning.churn import AdaGrad, Committee, new_committee, restored_committee
from models.scoring.scorer import EXPERTS
from schemas.model import CommitteeV1, ModelStateError, encode_committee
from support.examples import FEATURES, QUESTION, examples, taught

LAST = 20_000 + 7 * 5


def rows_of(found: list[Any]) -> Any:
    return np.array([example.features for example in found])


def restored(committee: Committee) -> Committee:
    return restored_committee(
        msgspec.json.decode(encode_committee(committee.to_state()), type=CommitteeV1), QUESTION, FEATURES
    )


def test_learning_and_scoring_change_no_input() -> None:
    committee, given = taught(), examples(LAST)
    before, rows = copy.deepcopy(given), rows_of(given)
    committee.learn(LAST, given)
    kept = rows.copy()
    committee.scorer().score(rows)
    assert given == before
    assert (rows == kept).all()


def test_the_same_examples_give_the_same_weights() -> None:
    assert encode_committee(taught().to_state()) == encode_committee(taught().to_state())


def test_a_restored_committee_continues_to_the_last_bit() -> None:
    first = taught()
    second = restored(first)
    assert second.to_state() == first.to_state()
    for step in range(3):
        given = examples(LAST + 7 * step)
        for committee in (first, second):
            committee.learn(LAST + 7 * step, given)
        second = restored(second)
    assert encode_committee(second.to_state()) == encode_committee(first.to_state())
    rows = rows_of(examples(1))
    assert (second.scorer().score(rows) == first.scorer().score(rows)).all()


def test_a_missing_feature_moves_no_weight_of_its_own_and_spoils_no_other() -> None:
    committee, place = taught(), FEATURES.index("slope")
    before = committee.to_state()
    given = [
        example._replace(features=(*example.features[:place], nan, *example.features[place + 1 :]))
        for example in examples(LAST)
    ]
    committee.learn(LAST, given)
    after = committee.to_state()
    assert [part.weights[place] for part in after.wide] == [part.weights[place] for part in before.wide]
    assert after.scaler.counts[place] == before.scaler.counts[place]
    assert all(new.weights[0] != old.weights[0] for new, old in zip(after.wide, before.wide, strict=True))
    assert np.isfinite(committee.scorer().score(rows_of(examples(LAST)))).all()
    assert restored(committee).to_state() == after


def test_a_feature_that_never_varies_is_inert() -> None:
    place = FEATURES.index("logins_30d")
    with_it = new_committee(QUESTION, FEATURES)
    without = new_committee(QUESTION, [name for name in FEATURES if name != "logins_30d"])
    for step in range(3):
        given = [example._replace(features=(*example.features[:place], 0.0)) for example in examples(20_000 + 7 * step)]
        with_it.learn(20_000 + 7 * step, given)
        without.learn(20_000 + 7 * step, [example._replace(features=example.features[:place]) for example in given])
    rows = rows_of(given)
    assert place == len(FEATURES) - 1
    assert with_it.scorer().score(rows) == pytest.approx(without.scorer().score(rows[:, :place]), rel=1e-12)
    assert all(part.weights[place] == 0.0 for part in with_it.to_state().wide)


def test_no_boundary_is_learned_twice() -> None:
    committee = taught()
    for boundary in (LAST - 7, LAST - 8):
        with pytest.raises(ValueError, match="was learned"):
            committee.learn(boundary, examples(boundary))


def test_it_learns_what_there_is_to_learn() -> None:
    committee = taught(boundaries=8, number=200)
    given = [example for example in examples(1, number=500) if example.part == WHOLE]
    chance, churned = committee.scorer().experts(rows_of(given)), np.array([example.is_true for example in given])
    for place, name in enumerate(EXPERTS):
        assert chance[churned, place].mean() > chance[~churned, place].mean() + 0.1, name


def test_before_it_learned_every_expert_says_the_prior() -> None:
    scorer = new_committee(QUESTION, FEATURES, prior=0.3).scorer()
    assert scorer.experts(rows_of(examples(1))) == pytest.approx(0.3)
    assert scorer.is_cold


def test_weights_stay_near_equal_and_bound_the_regret() -> None:
    committee = taught(boundaries=12)
    assert sum(committee.weights) == pytest.approx(1.0)
    assert all(0.1 < weight < 0.5 for weight in committee.weights)
    assert len(set(committee.weights)) == len(EXPERTS)


def test_the_committee_is_river_s_own_pipeline_folded() -> None:
    """The witness: scaler and logistic regressions of River, fed the same labels, say what the scorer says."""
    committee = new_committee(QUESTION, FEATURES)
    scaler: Any = preprocessing.StandardScaler()
    model: Any = linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.05), intercept_lr=0.0)
    for step in range(4):
        given = examples(20_000 + 7 * step)
        committee.learn(20_000 + 7 * step, given)
        for example in given:
            if example.part == 1:
                scaler.learn_one(dict(zip(FEATURES, example.features, strict=True)))
        for example in given:
            if example.part == WHOLE:
                scaled = scaler.transform_one(dict(zip(FEATURES, example.features, strict=True)))
                model.learn_one(scaled | {"1": 1.0}, example.is_true)
    for row, chance in zip(rows_of(given), committee.scorer().experts(rows_of(given))[:, 0], strict=True):
        scaled = scaler.transform_one(dict(zip(FEATURES, row.tolist(), strict=True)))
        assert chance == pytest.approx(model.predict_proba_one(scaled | {"1": 1.0})[True], rel=1e-9)


def test_our_adagrad_is_river_s_to_the_last_bit() -> None:
    ours: Any = linear_model.LogisticRegression(optimizer=AdaGrad(0.05))
    theirs: Any = linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.05))
    for example in examples(20_000):
        values = dict(zip(FEATURES, example.features, strict=True))
        ours.learn_one(values, example.is_true)
        theirs.learn_one(values, example.is_true)
    assert ours.weights == theirs.weights
    assert ours.intercept == theirs.intercept


# -- foreign and broken states


def changed(**fields: Any) -> Callable[[CommitteeV1], CommitteeV1]:
    return lambda state: msgspec.structs.replace(state, **fields)


def spoiled(value: float) -> Callable[[CommitteeV1], CommitteeV1]:
    def spoil(state: CommitteeV1) -> CommitteeV1:
        state.wide[2].weights[3] = value
        return state

    return spoil


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("other_format", changed(format=2)),
        ("other_question", changed(horizon_days=90)),
        ("not_finite", spoiled(inf)),
        ("not_finite", spoiled(nan)),
        ("shape", changed(labels=[1, 2, 3])),
        ("shape", changed(wide=[])),
        ("shape", changed(baselines=[])),
    ],
)
def test_a_foreign_state_is_refused_by_name(reason: str, change: Callable[[CommitteeV1], CommitteeV1]) -> None:
    with pytest.raises(ModelStateError) as caught:
        restored_committee(change(taught(2).to_state()), QUESTION, FEATURES)
    assert caught.value.reason == reason


def test_a_state_of_other_features_is_refused_and_says_which() -> None:
    state = taught(2).to_state()
    with pytest.raises(ModelStateError, match="logins_30d") as caught:
        restored_committee(state, QUESTION, FEATURES[:-1])
    assert caught.value.reason == "other_features"
    with pytest.raises(ModelStateError, match="another order"):
        restored_committee(state, QUESTION, FEATURES[::-1])
    with pytest.raises(ModelStateError, match="60 and 90 days"):
        restored_committee(state, Question(30, 90), FEATURES)


GOOD = encode_committee(taught(2).to_state())


def test_a_good_record_is_small_and_read_back_whole() -> None:
    assert msgspec.json.decode(GOOD, type=CommitteeV1) == taught(2).to_state()
    assert len(GOOD) < 24_000
