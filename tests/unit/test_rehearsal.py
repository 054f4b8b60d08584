"""A history replayed with a learner beside it: what it learns, and that it never knows what is still to come."""

from __future__ import annotations

from typing import Final

from models.episodes import ALERTS
from models.oracle import Oracle
from models.partition import Published
from models.rehearsal import Rehearsal

from models.calendar import DAY_MS
from models.catalogue.catalogue import Rules, without_model
from schemas.alert import decode_alert
from schemas.example import ProgressV1, decode_lesson
from streams.catalogue_file import rules_of
from streams.settings import Settings
from support.backtested import backtested
from support.shop import shop
from support.troubled import FIRST_DAY, default_rules

PARTITIONS: Final = 2
ANCHOR: Final = default_rules().basis.calendar.text_of(FIRST_DAY + 21)[:10]
RULES: Final[Rules] = rules_of(
    f"{{base: default, feeds: [purchase], model: {{horizon_days: 28, risk_set_days: 60, anchor: {ANCHOR}}}}}",
    Settings(),
)


def replayed(oracle: Oracle) -> list[Published]:
    outputs = [output for event in shop() for output in oracle.take(event)[1]]
    return outputs + oracle.finish()


def test_what_it_scores_with_are_the_weights_of_backtest_and_never_those_of_a_day_to_come() -> None:
    rehearsal = Rehearsal(RULES, PARTITIONS)
    names = {
        lesson.model_version: lesson.boundary
        for lesson in (decode_lesson(each.payload) for each in replayed(rehearsal) if each.kind == "progress")
        if isinstance(lesson, ProgressV1) and lesson.model_version is not None
    }
    learned = {until[:10] for until in backtested(RULES, shop())}
    assert len(names) > 10
    assert {name[:10] for name in names} <= learned
    assert all(name[:10] < boundary[:10] for name, boundary in names.items())
    truth = backtested(RULES, shop())[f"{max(names)[:10]}T00:00:00Z"]
    assert rehearsal.committee.to_state() == truth


def test_the_rules_say_the_same_with_a_model_beside_them() -> None:
    def ids(outputs: list[Published]) -> set[str]:
        alerts = [decode_alert(output.payload) for output in outputs if output.kind in ALERTS]
        return {alert.alert_id for alert in alerts if alert.signal != "churn_risk"}

    alone = ids(replayed(Oracle(without_model(RULES), PARTITIONS)))
    assert len(alone) > 50
    assert ids(replayed(Rehearsal(RULES, PARTITIONS))) == alone


def test_what_silence_makes_known_is_learned_while_the_clock_is_moved() -> None:
    def labels_after(*steps: int) -> int:
        rehearsal, events = Rehearsal(RULES, PARTITIONS), shop()
        for event in events:
            rehearsal.take(event)
        for days in steps:
            rehearsal.until(events[-1].time_ms + days * DAY_MS)
        told = rehearsal.finish()
        used = {lesson.model_version for each in told if each.kind == "progress" for lesson in [progress_of(each)]}
        assert len(used) > 3
        return sum(rehearsal.committee.labels)

    at_once = labels_after(40)
    assert at_once == labels_after(10, 25, 40)
    ended = Rehearsal(RULES, PARTITIONS)
    replayed(ended)
    assert at_once > sum(ended.committee.labels)


def progress_of(output: Published) -> ProgressV1:
    lesson = decode_lesson(output.payload)
    assert isinstance(lesson, ProgressV1)
    return lesson
