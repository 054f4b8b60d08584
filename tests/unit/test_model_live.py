"""What is told of a live model: drift, label lag, share censored; and that a restart changes none of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from io import StringIO
from math import inf

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from models.learning.drift import MAX_BOUNDARIES, window_of
from models.learning.learner import Learner
from models.learning.summary import summary_of
from schemas.example import encode_lesson
from schemas.model import ModelStateError
from schemas.model_version import (
    DriftState,
    JudgedState,
    ModelVersionV1,
    decode_model_version,
    encode_model_version,
    sealed,
)
from streams.agents.learner import LearnerAgent
from streams.board.drawn_model import model_line
from streams.cli.model import reliability_plot, shown_lines, shown_version, statistics_lines
from streams.metrics.learner import LearnerMetrics
from streams.transport.changelog import Changelog
from streams.transport.producer import Outputs
from streams.transport.status import Status
from support.boards import board, drawn, look, page, past_of
from support.lessons import FIRST_WEEK, RULES, WEEKLY, lessons, taught

WEEKS = 50
WRONG_FROM = 27


@cache
def versions(wrong_from: int | None = WRONG_FROM) -> tuple[ModelVersionV1, ...]:
    return tuple(taught(lessons(WEEKS, wrong_from=wrong_from))[1])


def test_a_loss_that_rose_is_seen_when_its_labels_are_known() -> None:
    (alarm,) = summary_of(versions()[-1]).alarms["loss"]
    weeks = alarm.boundary / 7 - FIRST_WEEK - WRONG_FROM
    assert 60 / 7 <= weeks < 60 / 7 + 4
    assert alarm.now > alarm.was + 0.3
    assert summary_of(versions()[-1]).alarms["mean_prediction"] == ()


def test_a_model_as_good_as_ever_drifts_nowhere() -> None:
    assert summary_of(versions(None)[-1]).last_alarm is None


def test_what_was_told_while_the_model_was_cold_is_not_watched() -> None:
    last = versions(None)[-1]
    warm = [model for model in versions(None) if not summary_of(model).is_cold]
    assert last.warm_since == warm[0].learned_until
    since = RULES.basis.calendar.day_of_text(warm[0].learned_until)
    assert isinstance(last.drift, dict)
    assert last.drift["mean_prediction"].buckets[0][0] >= since + 15
    assert last.drift["loss"].buckets[0][0] >= since + 60


def test_a_learner_that_goes_on_from_any_version_publishes_the_same_ones() -> None:
    given, truth = list(lessons(WEEKS, wrong_from=WRONG_FROM)), list(versions())
    alarmed = next(place for place, model in enumerate(truth) if summary_of(model).last_alarm is not None)
    for place in (alarmed - 1, alarmed, len(truth) - 2):
        known = decode_model_version(encode_model_version(truth[place], 1))
        learner = Learner(RULES, WEEKLY, 1, known)
        for offset, lesson in enumerate(given[known.resume_offset :], start=known.resume_offset):
            learner.take(lesson, offset)
        assert [model.version for model in learner.versions()] == [model.version for model in truth[place + 1 :]]


def test_a_version_from_before_drift_was_watched_is_still_good() -> None:
    old = sealed(msgspec.structs.replace(versions()[-1], drift=msgspec.UNSET))
    known = decode_model_version(encode_model_version(old, 1))
    assert b'"drift"' not in encode_model_version(old, 1)
    assert summary_of(known).last_alarm is None
    assert Learner(RULES, WEEKLY, 1, known).drift["loss"].buckets == []


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("not_finite", DriftState([(1, 1, inf, 1.0)], [])),
        ("not_finite", DriftState([], [(1, 0.1, inf)])),
        ("shape", DriftState([(1, 0, 0.0, 0.0)], [])),
        ("shape", DriftState([(1, 1, 0.5, 0.5)] * (MAX_BOUNDARIES + 1), [])),
        ("shape", DriftState([], [(1, 0.1, 0.2)] * 100)),
    ],
)
def test_a_foreign_window_is_refused_by_name(reason: str, state: DriftState) -> None:
    with pytest.raises(ModelStateError) as refused:
        window_of(state)
    assert refused.value.reason == reason


def test_censored_are_the_snapshots_whose_outcome_is_not_known() -> None:
    found = summary_of(versions()[-1])
    assert found.snapshots == sum(found.labels) + round((found.censored or 0.0) * found.snapshots)
    assert found.censored == pytest.approx((60 - 15) / 7 / (WEEKS - 15 / 7), abs=0.02)


def test_the_learner_tells_prometheus() -> None:
    known = versions()[-3]
    learner = Learner(RULES, WEEKLY, 1, known)
    for offset, lesson in enumerate(lessons(WEEKS, wrong_from=WRONG_FROM)):
        if offset >= known.resume_offset:
            learner.take(lesson, offset)
    list(learner.versions())
    agent = LearnerAgent(RULES, WEEKLY, 1, Changelog(Outputs({}), "churn.models"), lambda _first: ())
    agent.learner = learner
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LearnerMetrics(agent, Status(), RULES.basis.calendar, lambda: 0))
    text = generate_latest(registry).decode()
    alarm = learner.drift["loss"].alarms[-1]
    assert 'churn_model_drift_alarms{of="loss"} 1.0' in text
    assert 'churn_model_drift_alarms{of="mean_prediction"} 0.0' in text
    assert f'churn_model_drift_change{{of="loss"}} {alarm.now - alarm.was}' in text
    assert learner.label_lag_ms is not None
    assert 0 <= learner.label_lag_ms <= 7 * 86_400_000
    assert f"churn_label_lag_seconds {learner.label_lag_ms / 1000}" in text
    assert "churn_snapshots_censored_ratio 0." in text
    assert learner.judged is not None
    assert f'churn_judged_labels{{risk="given"}} {float(learner.judged.given)}' in text
    assert 'churn_judged_labels{risk="worked_out"} 0.0' in text
    for end in ("0.1", "0.5", "1.0"):
        assert f'churn_model_told_ratio{{bin="{end}"}}' in text
        assert f'churn_model_happened_ratio{{bin="{end}"}}' in text


def test_a_learner_with_a_backlog_tells_that_it_goes_on() -> None:
    given, told = list(lessons(WEEKS)), [0]
    reader = [(offset, encode_lesson(lesson)) for offset, lesson in enumerate(given)]
    agent = LearnerAgent(RULES, WEEKLY, 1, Changelog(Outputs({}), "churn.models"), lambda first: reader[first:])
    agent.progress = lambda: told.append(told[-1] + 1)
    agent.restored(0, {})
    assert told[-1] == len(given) + len(versions(None))


def test_model_show_tells_it_in_words() -> None:
    shown = shown_version(versions()[-1], lag_days=6)
    text = "\n".join(shown_lines(shown))
    assert "the newest label learned is 6 days behind what the partitions have told" in text
    assert "lately no better than a simple rule" in text
    assert not any(word in text for word in ("log loss", "AUC", "Brier", "ECE", "censored", "expert", "drift"))
    text = "\n".join(statistics_lines(shown))
    assert f"snapshots {shown['censored']:.0%} wait for their outcome" in text
    (alarm,) = shown["drift"]["loss"]
    assert f"drift of the loss: {alarm['at']}, from {alarm['was']:.3f} to {alarm['now']:.3f}" in text
    assert "drift of the mean prediction: none seen" in text


def test_model_show_says_what_was_judged_or_why_nothing_was() -> None:
    def line(model: ModelVersionV1) -> str:
        (found,) = [one for one in shown_lines(shown_version(model, lag_days=6)) if one.startswith("judged")]
        return found

    told = shown_version(versions()[-1], lag_days=6)["judged"]
    assert (told["given"] > 1_000, told["worked_out"]) == (True, 0)
    assert line(versions()[-1]).startswith(f"judged: {told['given']:,} forecasts from ")
    assert line(versions()[0]) == "judged: none yet; the first forecast is not 60 days old"
    of_an_earlier_program = msgspec.structs.replace(versions()[-1], judged=msgspec.UNSET)
    assert line(of_an_earlier_program) == "judged: the forecasts that were given"
    both = msgspec.structs.replace(versions()[-1], judged=JudgedState("2025-03-03T00:00:00Z", 1_200, 83_000))
    assert line(both) == (
        "judged: 84,200 forecasts from 03 Mar 2025 on, 1,200 of them given then, 83,000 worked out later from what was "
        "known then"
    )


def test_the_reliability_plot_fits_and_marks_told_and_happened() -> None:
    out = StringIO()
    console = Console(width=80, file=out)
    rows = [{"given": 0.05, "happened": 0.5, "rows": 1e6}, {"given": 1.0, "happened": 1.0, "rows": 3.0}]
    console.print(reliability_plot(rows))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (first, second) = (line for line in lines if "·" in line)
    assert 0 < first.index("o") < first.index("x")
    assert "⊗" in second


def test_the_board_says_in_a_line_whether_the_model_can_be_believed() -> None:
    found = summary_of(versions()[-1])
    past = replace(past_of(), model=found)
    shown = board(look(page()), past).model
    assert shown is not None
    assert (shown.labels, shown.is_cold, shown.drift_of) == (sum(found.labels), False, "loss")
    assert shown.best_baseline == "base_rate"
    for width in (80, 100, 160):
        (line,) = (line for line in drawn(board(look(page()), past), width, 24) if line.startswith("model "))
        assert "  lately " in line
        assert "  drift " in line
        assert "log loss" not in line
        assert line.rstrip().endswith(" outcomes learned") == (width > 80)
        assert "warm  log loss " in model_line(shown, width, explain=True).plain


def test_a_model_that_was_never_judged_says_so_on_the_board() -> None:
    past = replace(past_of(), model=summary_of(versions()[0]))
    (line,) = (line for line in drawn(board(look(page()), past), 80, 24) if line.startswith("model "))
    assert "cold: it raises no alerts yet  no drift" in line
