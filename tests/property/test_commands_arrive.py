"""What comes of commands is a function of events and commands: arrival, frames and crashes leave no trace."""

from __future__ import annotations

import random

import pytest

from models.catalogue.catalogue import build_rules
from models.engine.ledger import COMMANDS
from schemas.alert import AlertV1, decode_alert
from schemas.command import Command
from schemas.event import FEEDS
from schemas.receipt import decode_receipt
from support.one_partition import (
    DAY_MS,
    PATTERNS,
    Logs,
    Outcome,
    differences,
    logs_of,
    oracle,
    run,
    shuffled,
    told_again,
)
from support.silences import silent_history
from support.spoken import spoken_of
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history

IN_STEP = ("sorted", "aligned", "delayed")
"""As a worker reads its inputs: commands are aligned with the events."""
END_MS = (FIRST_DAY + 140) * DAY_MS
SINCE_MS = (FIRST_DAY + 20) * DAY_MS


def said_in_time(seed: int, *, is_quiet: bool = True) -> tuple[Logs, Outcome]:
    """Logs of a history and of what is said of its alerts while they are open, and what comes of it.

    `is_quiet`: also what keeps a signal from being fired early.
    """
    rules, events = default_rules(), rich_history(seed, customers=5, days=100)
    without = oracle(rules, events, END_MS, SINCE_MS)
    alerts = [alert for _, alert in sorted(_alerts_of(without), key=lambda row: row[0])]
    spoken = spoken_of(alerts, [], random.Random(seed))
    commands = list({(one.customer_id, one.id): one for one in spoken if isinstance(one, Command)}.values())
    commands = [one for one in commands if is_quiet or one.action in ("acknowledge", "outcome")]
    commands = [one for one in commands if one.at_ms < END_MS - DAY_MS]  # the last boundary lies behind all of them
    return logs_of(events, commands), oracle(rules, events, END_MS, SINCE_MS, commands)


def _alerts_of(outcome: Outcome) -> list[tuple[tuple[str, int], AlertV1]]:
    return [
        ((key[1], key[2]), decode_alert(payload))
        for key, payloads in outcome.told.items()
        if key[0] == "alert"
        for payload in payloads
    ]


@pytest.mark.parametrize("seed", range(2))
def test_arrival_frames_and_crashes_leave_no_trace_in_what_comes_of_commands(seed: int) -> None:
    logs, truth = said_in_time(seed)
    receipts = [decode_receipt(bytes.fromhex(key[1])) for key in truth.told if key[0] == "receipt"]
    assert len(receipts) == len(logs[COMMANDS]) == truth.partition.ledger.commands["applied"]
    assert {one.status for one in receipts} == {"done", "refused"}
    for name in IN_STEP:
        dice = random.Random(f"{seed}/{name}")
        found = run(default_rules(), logs, PATTERNS[name], dice, crashes=4, until_ms=END_MS, alerts_from_ms=SINCE_MS)
        assert differences(found, truth) == [], name
    disordered = shuffled(logs, random.Random(seed))
    found = run(
        default_rules(), disordered, PATTERNS["aligned"], random.Random(seed), crashes=4, until_ms=END_MS,
        alerts_from_ms=SINCE_MS,
    )  # fmt: skip
    assert differences(found, truth, is_shuffled=True) == []


@pytest.mark.parametrize("seed", range(2))
def test_arrival_frames_and_crashes_leave_no_trace_in_what_comes_of_the_alerts_of_feeds(seed: int) -> None:
    rules = build_rules(catalogue() | {"outage": {"chance": 0.4, "weeks": 2, "respond_hours": 30}})
    events = silent_history(random.Random(seed), range(len(FEEDS)), customers=8)
    alerts = [one for _, one in _alerts_of(oracle(rules, events, END_MS)) if one.is_of_feed]
    alerts.sort(key=lambda one: (one.alert_id, one.revision))
    spoken = spoken_of(alerts * 6, [], random.Random(seed))
    commands = list({(one.customer_id, one.id): one for one in spoken if isinstance(one, Command)}.values())
    logs, truth = logs_of(events, commands), oracle(rules, events, END_MS, commands=commands)
    receipts = [decode_receipt(bytes.fromhex(key[1])) for key in truth.told if key[0] == "receipt"]
    assert {"acknowledge", "outcome", "snooze"} == {one.action for one in receipts if one.status == "done"}
    assert any(alert.escalated_at for _, alert in _alerts_of(truth) if alert.is_of_feed)
    for name in IN_STEP:
        found = run(rules, logs, PATTERNS[name], random.Random(seed), crashes=4, until_ms=END_MS)
        assert differences(found, truth) == [], name


@pytest.mark.parametrize("name", ["tickets first", "e-mails to purchases"])
def test_lives_agree_about_commands_that_come_late(name: str) -> None:
    """But those that make quiet: out of step, what was said before a day may come behind what it keeps back."""
    logs, _ = said_in_time(7, is_quiet=False)
    found = run(default_rules(), logs, PATTERNS[name], random.Random(name), crashes=5, alerts_from_ms=SINCE_MS)
    counts = found.partition.ledger.commands
    assert counts["late"] + counts["applied_late"] > 0
    assert differences(found, told_again(default_rules(), logs, found, alerts_from_ms=SINCE_MS)) == []


def test_history_is_nobodys_duty_and_never_escalated() -> None:
    _, truth = said_in_time(1)
    escalated = {alert.historical for _, alert in _alerts_of(truth) if alert.escalated_at is not None}
    assert escalated == {False}
    assert any(alert.historical for _, alert in _alerts_of(truth))
