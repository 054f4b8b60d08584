"""What another catalogue would change: owners, thresholds, names, caps, through the engine and in two processes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from models.calendar import Calendar
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.what_if.changes import Change, changes
from models.what_if.comparison import Comparison, Run, compare
from models.what_if.decided import RunRecorder
from schemas.event import Event
from streams.errors import SetupError
from streams.files.packed_history import Replayed, read_packed
from streams.files.reading import EventFile
from streams.report.what_if import list_rows, renamed, sentence, signal_rows
from streams.what_if import How, beside
from support.histories import Size, history, write_history
from support.troubled import catalogue, default_rules


def run_of(events: list[Event], rules: Rules, partitions: int = 2) -> Run:
    engine, decided = Replay(without_model(rules), partitions), RunRecorder(rules, partitions)
    for event in events:
        engine.take(event)
    for message in engine.drain():
        decided.take(message)
    return decided.until(engine.partitions[0].judged_boundary)


def changed(**signals: Any) -> Rules:
    own = catalogue()
    own["signals"] = {
        name: own["signals"][name] | signals.get(name, {}) for name in own["signals"] if signals.get(name) != "off"
    }
    return build_rules(own)


@cache
def made() -> list[Event]:
    return history(Size(1_600, 120, 130), 4)


@cache
def as_it_is() -> Run:
    """By the default catalogue."""
    return run_of(made(), default_rules())


def against(rules: Rules) -> Comparison:
    return compare(as_it_is(), run_of(made(), rules, 3), Calendar().day_of(made()[0].time_ms))


@pytest.fixture
def events() -> list[Event]:
    return made()


def test_the_same_catalogue_changes_nothing_whatever_the_partitions() -> None:
    found = against(default_rules())
    assert found.total.is_same
    assert found.total.common > 50
    assert sentence(found, "mine.yaml").startswith("mine.yaml would have changed nothing: the same ")


def test_a_new_owner_and_severity_change_hands_and_urgency_only() -> None:
    found = against(changed(unsubscribed={"owner": "Care", "severity": "error"}))
    one = found.by_signal["unsubscribed"]
    assert (one.gained, one.lost, one.earlier, one.later) == (0, 0, 0, 0)
    assert one.common == one.other_owner == one.more_severe == found.by_owner["Care"].taken_over > 0
    assert [(change.signal, change.part) for change in found.changes] == [
        ("unsubscribed", "severity"), ("unsubscribed", "owner"),
    ]  # fmt: skip


def test_a_lower_threshold_makes_alerts_begin_earlier() -> None:
    text = next(one.when.text for one in default_rules().signals if one.id == "loyal_gone_silent")
    found = against(changed(loyal_gone_silent={"when": text.replace("2.5 *", "1.5 *")}))
    one = found.by_signal["loyal_gone_silent"]
    assert one.earlier > 0
    assert one.later == 0
    assert one.after > one.before
    assert "are told earlier" in sentence(found, "mine.yaml")
    assert signal_rows(found)[0][0] == "loyal_gone_silent"


def test_a_renamed_signal_is_lost_and_gained_and_that_is_said() -> None:
    own = catalogue()
    own["signals"]["gone_off_mail"] = own["signals"].pop("unsubscribed")
    found = against(build_rules(own))
    old, new = found.by_signal["unsubscribed"], found.by_signal["gone_off_mail"]
    assert old.lost == old.before == new.gained == new.after > 0
    assert "a new name" not in sentence(found, "mine.yaml")
    told = renamed(found)
    assert told is not None
    assert "Not in the other catalogue: unsubscribed; new there: gone_off_mail" in told


def test_what_all_signals_read_is_told_where_it_differs() -> None:
    own = catalogue()
    own["constants"]["high_spend"] = 500
    own["lifecycle"]["dormant_days"] = 45
    own["feeds"] = ["purchase", "login"]
    own["attention"]["contact_days"] = 0
    found = {one.part: (one.before, one.after) for one in changes(default_rules(), build_rules(own))}
    assert found == {
        "feeds": ("purchase, login, ticket, email", "purchase, login"),
        "lifecycle.dormant_days": ("60", "45"),
        "constants.high_spend": ("300", "500"),
        "attention.contact_days": ("7", "0"),
    }


def test_a_smaller_team_has_a_shorter_list_and_more_who_wait() -> None:
    own = catalogue()
    own["owners"] = {"Retention": {"people": 1, "alerts_a_day": 1}}
    found = against(build_rules(own))
    one = found.by_owner["Retention"]
    assert (one.before, one.after, one.load_before) == (one.common, one.common, one.load_after)
    assert (one.list_before.room, one.list_after.room) == (20, 1)
    assert one.list_before.new.most > one.list_after.new.most == 1
    assert (one.list_before.waiting.most, one.list_after.waiting.most > 0) == (0, True)
    assert ("owners.Retention", "room for 20 a day", "room for 1 a day") in {
        (change.part, change.before, change.after) for change in found.changes
    }
    assert "Retention" in {row[0] for row in list_rows(found)}


def test_a_history_without_events_compares_to_nothing() -> None:
    found = compare(Run(default_rules(), [], -1), Run(default_rules(), [], -1), None)
    assert (found.days, found.weeks, found.by_owner, found.first_day) == (0, (), {}, None)
    assert found.total.is_same


def test_another_cap_moves_the_day_on_which_alerts_are_told() -> None:
    events = history(Size(2_400, 180, 130), 4)
    before, after = (build_rules(catalogue() | {"attention": {"contact_days": days}}) for days in (0, 30))
    found = compare(run_of(events, before), run_of(events, after), 0)
    assert found.changes == (Change("changed", None, "attention.contact_days", "0", "30"),)
    assert (found.total.earlier, found.total.gained) == (0, 0)
    assert found.total.later > 0
    assert found.total.shift is not None
    assert 0 < found.total.shift.median <= 30


# -- in two processes


def replayed(events: list[Event], path: Path) -> Replayed:
    write_history(events, path)
    return Replayed(read_packed([EventFile(path)]), 0, set())


def how(rules: Rules) -> How:
    return How(rules=rules, partitions=2, alerts_from_ms=0, until_ms=None, models=None, learn=False)


def test_the_other_process_decides_what_this_one_would(events: list[Event], tmp_path: Path) -> None:
    rules, taken = changed(unsubscribed="off"), list[Event]()
    found = beside(how(rules), "mine.yaml", replayed(events, tmp_path / "events.jsonl"), taken.extend)
    assert len(taken) == len(events)
    here = run_of(events, rules)
    assert (sorted(found.episodes), found.last_day) == (sorted(here.episodes), here.last_day)
    assert found.rules.hash == rules.hash


def test_a_process_that_is_ended_from_outside_is_said(events: list[Event], tmp_path: Path) -> None:
    def end(_: Iterable[Event]) -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(SetupError, match=r"--against mine\.yaml: the process that replayed it was ended"):
        beside(how(default_rules()), "mine.yaml", replayed(events, tmp_path / "events.jsonl"), end)
