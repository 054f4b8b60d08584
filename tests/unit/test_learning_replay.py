"""A history replayed with a learner beside it: what it learns, and that it never knows what is still to come."""

from __future__ import annotations

from functools import cache
from typing import Final

from models.calendar import DAY_MS
from models.catalogue.rules import Rules, without_model
from models.engine.learning_replay import LearningReplay
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1
from schemas.example import ProgressV1
from streams.files.catalogue_file import rules_of
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


def replayed(replay: Replay) -> list[Message]:
    for event in shop():
        replay.take(event)
    return replay.drain()


@cache
def learned() -> tuple[LearningReplay, list[Message]]:
    """After the last event, and everything said until then."""
    replay = LearningReplay(RULES, PARTITIONS)
    return replay, replayed(replay)


def test_what_it_scores_with_are_the_weights_of_backtest_and_never_those_of_a_day_to_come() -> None:
    replay, messages = learned()
    names = {
        message.model_version: message.boundary
        for message in messages
        if isinstance(message, ProgressV1) and message.model_version is not None
    }
    versions = backtested(RULES, shop())
    assert len(names) > 10
    assert {name[:10] for name in names} <= {until[:10] for until in versions}
    assert all(name[:10] < boundary[:10] for name, boundary in names.items())
    assert replay.committee.to_state() == versions[f"{max(names)[:10]}T00:00:00Z"]


def test_the_rules_say_the_same_with_a_model_beside_them() -> None:
    def ids(messages: list[Message]) -> set[str]:
        alerts = [message for message in messages if isinstance(message, AlertV1)]
        return {alert.alert_id for alert in alerts if alert.signal != "churn_risk"}

    alone = ids(replayed(Replay(without_model(RULES), PARTITIONS)))
    assert len(alone) > 50
    assert ids(learned()[1]) == alone


def test_what_silence_makes_known_is_learned_while_the_clock_is_moved() -> None:
    def labels_after(*steps: int) -> int:
        replay, events = LearningReplay(RULES, PARTITIONS), shop()
        for event in events:
            replay.take(event)
        for days in steps:
            replay.until(events[-1].time_ms + days * DAY_MS)
        used = {message.model_version for message in replay.drain() if isinstance(message, ProgressV1)}
        assert len(used) > 3
        return sum(replay.committee.labels)

    at_once = labels_after(40)
    assert at_once == labels_after(10, 25, 40)
    assert at_once > sum(learned()[0].committee.labels)
