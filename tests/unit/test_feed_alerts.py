"""The alert of a feed that is down, from the midnight that finds it to the one behind which the feed is back.

Logins of a few customers stop on day OFF; boundary T is the midnight that begins day T.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec.structs import replace

from models.alerts.partitions import outage_id, place_of_alert, place_of_command
from models.calendar import date_of
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.population import population_of
from models.engine.replay import Replay, Then
from models.engine.restatement import restated
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from models.engine.standing import open_ids, settle
from models.what_if.comparison import Run, compare
from models.what_if.decided import RunRecorder
from models.what_if.episodes import Episodes
from schemas.alert import AlertV1
from schemas.command import Action, Command
from schemas.event import Event
from schemas.partitioner import partition_of
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1
from streams.files.commands import among
from support.builders import DAY_MS, HOUR_MS, login, purchase
from support.troubled import FIRST_DAY, catalogue

OFF, BACK, DAYS = 30, 36, 40
ALERT_ID: Final = outage_id("feed:login", 0, date_of(FIRST_DAY + OFF))
OWNERS: Final = {"Platform": {"escalate_to": "Head of IT"}}


def at(day: float) -> int:
    return int((FIRST_DAY + day) * DAY_MS)


def midnight(day: int) -> str:
    return f"{date_of(FIRST_DAY + day)}T00:00:00Z"


def rules_with(**outage: Any) -> Rules:
    return without_model(
        build_rules(catalogue() | {"outage": {"chance": 0.01, "weeks": 3, **outage}, "owners": OWNERS})
    )


def events() -> list[Event]:
    """At every hour somebody buys and logs in, but for some days nobody logs in."""
    found = []
    for day in range(DAYS):
        for number in range(48):
            who, at_ms = f"c{number}", at(day) + number * HOUR_MS // 2
            found.append(purchase(who, at_ms, 1.0, currency="USD", id=f"p{day}-{number}"))
            if not OFF <= day < BACK:
                found.append(login(who, at_ms, id=f"l{day}-{number}"))
    return found


def said(action: Action, day: float, **more: Any) -> Command:
    return Command(f"{action}-{day}", action, "feed:login", at(day), "Ann", ALERT_ID, **more)


class Outcome:
    """What is decided up to a boundary."""

    def __init__(self, *commands: Command, until: int = DAYS, then: tuple[int, Rules] | None = None) -> None:
        follows = [] if then is None else [Then(FIRST_DAY + then[0], then[1])]
        self.replay = Replay(rules_with(), 1, then=follows)
        for one in among(commands, [one for one in events() if one.time_ms < at(until)]):
            self.replay.take(one)
        self.replay.until(at(until) + HOUR_MS)
        self.told: list[Message] = self.replay.drain()
        (self.partition,) = self.replay.partitions
        self.alerts = [one for one in self.told if isinstance(one, AlertV1) and one.is_of_feed]
        self.receipts = {one.command_id: one.reason for one in self.told if isinstance(one, ReceiptV1)}
        self.held = [one for one in self.told if isinstance(one, SuppressedV1) and one.alert.is_of_feed]

    def by(self, attribute: str) -> list[tuple[str, object]]:
        """What the revisions say of one field, after their status."""
        return [(one.status, getattr(one, attribute)) for one in self.alerts]


def test_without_an_answer_it_is_escalated_once_and_ends_with_the_outage() -> None:
    found = Outcome()
    assert found.by("escalated_to") == [("firing", None), ("updated", "Head of IT"), ("resolved", "Head of IT")]
    assert found.by("severity") == [("firing", "error"), ("updated", "critical"), ("resolved", "critical")]
    assert [one.revision for one in found.alerts] == [1, 2, 3]
    assert {one.alert_id for one in found.alerts} == {ALERT_ID}
    assert found.alerts[1].escalated_at == midnight(OFF + 2)
    assert found.alerts[1].summary == (
        "The login feed is down in partition 0, for 2 days now. Alerts of customers who may merely not have been heard "
        "of are held. Nobody answered in time: escalated to Head of IT."
    )
    assert found.alerts[2].ends_at == midnight(BACK + 1)
    assert found.alerts[2].score is None


def test_who_takes_it_on_in_time_is_named_and_nobody_else_is_told() -> None:
    found = Outcome(said("acknowledge", OFF + 1.1), said("acknowledge", OFF + 1.2, note_id="n-1"))
    assert found.by("acknowledged_by") == [("firing", None), ("updated", "Ann"), ("resolved", "Ann")]
    assert {one.escalated_at for one in found.alerts} == {None}
    assert found.receipts == {f"acknowledge-{OFF + 1.1}": None, f"acknowledge-{OFF + 1.2}": None}


def test_only_what_was_open_before_the_boundary_can_be_meant() -> None:
    early, last, late = said("acknowledge", OFF + 0.5), said("outcome", BACK + 0.5, outcome="false_alarm"), BACK + 1.5
    found = Outcome(early, last, said("acknowledge", late))
    assert found.receipts == {early.id: "no_open_alert", last.id: None, f"acknowledge-{late}": "no_open_alert"}
    assert found.by("outcome")[-1] == ("resolved", "false_alarm")


@pytest.mark.parametrize("other", [{"customer_id": "feed:purchase"}, {"customer_id": "c1"}, {"alert_id": "0" * 32}])
def test_it_is_meant_by_its_feed_and_its_id(other: dict[str, str]) -> None:
    found = Outcome(replace(said("acknowledge", OFF + 2), **other))
    assert [*found.receipts.values()] == ["no_open_alert"]
    assert {one.acknowledged_by for one in found.alerts} == {None}


def test_a_snooze_is_told_and_nothing_more_until_it_is_over() -> None:
    snooze = said("snooze", OFF + 1.5, until_ms=at(OFF + 3.5))
    found = Outcome(snooze, said("outcome", OFF + 2.5, outcome="kept"), until=OFF + 5)
    until = f"{date_of(FIRST_DAY + OFF + 3)}T12:00:00Z"
    assert found.by("snoozed_until") == [("firing", None), ("updated", until), ("updated", None)]
    ((record),) = found.held
    assert (record.rule, record.at, record.passes_at) == ("snoozed", midnight(OFF + 3), until)
    awake = found.alerts[-1]
    assert (awake.revision, awake.outcome, awake.due_at) == (4, "kept", f"{date_of(FIRST_DAY + OFF + 4)}T04:00:00Z")


def test_another_catalogue_names_another_owner_in_one_revision() -> None:
    later = rules_with(owner="Network", severity="warning")
    found = Outcome(said("acknowledge", OFF + 1.1), until=OFF + 5, then=(OFF + 4, later))
    assert [(one.owner, one.severity, one.catalogue == later.hash) for one in found.alerts] == [
        ("Platform", "error", False), ("Platform", "error", False), ("Network", "warning", True),
    ]  # fmt: skip
    off = Outcome(until=OFF + 5, then=(OFF + 4, without_model(build_rules(catalogue() | {"outage": "off"}))))
    assert (off.alerts[-1].status, off.alerts[-1].ends_at) == ("resolved", midnight(OFF + 4))


def test_it_is_counted_as_open_by_severity_and_as_past_due_by_owner_until_somebody_answers() -> None:
    for commands, severity, owed in ((), "critical", {"Platform": 1}), ((said("acknowledge", OFF + 1.1),), "error", {}):
        counts = population_of(Outcome(*commands, until=OFF + 3).partition)
        assert {key: n for key, n in counts.open_alerts.items() if key[0] == "feed_outage"} == {
            ("feed_outage", severity): 1
        }
        assert counts.past_due(at(OFF + 3)) == owed
        assert counts.past_due(at(OFF + 1) + 3 * HOUR_MS) == dict.fromkeys(owed, 0)


def test_a_snapshot_keeps_its_life() -> None:
    snooze = said("snooze", OFF + 1.5, until_ms=at(OFF + 9))
    partition = Outcome(snooze, said("acknowledge", OFF + 1.6), until=OFF + 3).partition
    data = freeze(partition).to_bytes()
    again = load(data, partition.rules)
    assert freeze(again).to_bytes() == data
    assert population_of(again).open_alerts == population_of(partition).open_alerts
    assert open_ids(again) == open_ids(partition) >= {ALERT_ID}


def test_what_stands_published_of_it_is_settled_as_of_any_alert() -> None:
    found = Outcome(until=OFF + 3)
    last = found.alerts[-1]
    assert settle(found.partition, {ALERT_ID: last.revision}, {ALERT_ID: last}) == []
    ahead = replace(last, revision=5, acknowledged_at=midnight(OFF + 2), acknowledged_by="Bob")
    (told,) = settle(found.partition, {ALERT_ID: 5}, {ALERT_ID: ahead})
    assert (told.revision, told.status, told.acknowledged_by, told.owner) == (6, "updated", None, "Platform")
    stray = replace(last, alert_id="0" * 32)
    (back,) = settle(found.partition, {stray.alert_id: stray.revision}, {stray.alert_id: stray})
    assert (back.alert_id, back.status) == (stray.alert_id, "retracted")


def test_it_is_restated_as_of_the_last_boundary() -> None:
    found = Outcome(until=OFF + 5)
    (now,) = restated(found.partition, found.alerts[-1:])
    assert "down in partition 0, for 5 days now" in now.summary
    assert replace(now, summary="") == replace(found.alerts[-1], summary="")


def test_a_command_is_of_the_partition_whose_alert_it_names_however_long_ago_that_began() -> None:
    calendar = rules_with().basis.calendar
    told = replace(Outcome(until=OFF + 2).alerts[0], customer_id="feed:login")
    for number in range(12):
        alert = replace(told, alert_id=outage_id("feed:login", number, told.starts_at[:10]))
        for day in (OFF, OFF + 3_000):
            command = replace(said("acknowledge", day), alert_id=alert.alert_id)
            assert place_of_command(command, 12, calendar) == place_of_alert(alert, 12) == number
    unknown = replace(said("acknowledge", OFF), alert_id="0" * 32)
    assert place_of_command(unknown, 12, calendar) == partition_of(b"feed:login", 12)
    assert place_of_command(replace(unknown, customer_id="a"), 12, calendar) == partition_of(b"a", 12)


def decided_by(rules: Rules) -> Run:
    replay, decided = Replay(rules, 1), RunRecorder(rules, 1)
    for event in events():
        replay.take(event)
    replay.until(at(DAYS))
    for message in replay.drain():
        decided.take(message)
    return decided.until(FIRST_DAY + DAYS)


def test_a_catalogue_without_outages_loses_it_and_it_is_said_of_which_signal() -> None:
    off = without_model(build_rules(catalogue() | {"outage": "off", "owners": OWNERS}))
    found = compare(decided_by(rules_with()), decided_by(off), FIRST_DAY)
    assert (found.by_signal["feed_outage"].before, found.by_signal["feed_outage"].lost) == (1, 1)
    assert sum(one.lost for one in found.by_signal.values()) == found.total.lost
    assert {(one.part, one.before, one.after) for one in found.changes} == {
        ("outage.chance", "0.01", None), ("outage.weeks", "3", None), ("outage.owner", "Platform", None),
        ("outage.severity", "error", None), ("outage.respond_hours", "4", None),
    }  # fmt: skip


def test_one_that_was_snoozed_from_its_first_day_is_told_on_the_day_it_was_sent() -> None:
    episodes, sent = Episodes(rules_with()), f"{date_of(FIRST_DAY + OFF + 4)}T04:00:00Z"
    episodes.take(replace(Outcome(until=OFF + 2).alerts[0], due_at=sent))
    assert [one.told for one in episodes.all()] == [FIRST_DAY + OFF + 4]
