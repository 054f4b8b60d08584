"""Erasure is a function of events and commands; nothing is left of who is erased, and all others notice nothing."""

from __future__ import annotations

import random
from functools import cache

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from models.catalogue.catalogue import build_rules
from models.customers.columns import COLUMNS
from models.digests.lists import Kept, Lists
from models.engine.ledger import COMMANDS
from models.engine.partition import Partition
from models.engine.population import population_of
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from schemas.alert import decode_alert
from schemas.command import Command
from schemas.digest import DigestV1, encode_digest
from schemas.erasure import is_erased_name
from schemas.event import FEEDS, PURCHASE, Event
from schemas.reviewed import is_told
from streams.files.commands import among
from support.builders import DAY_MS, HOUR_MS, login
from support.one_partition import PATTERNS, Entry, Key, Outcome, counted, differences, logs_of, oracle, run, shuffled
from support.silences import silent_history
from support.spoken import spoken_of
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history

IN_STEP = ("sorted", "aligned", "delayed")
"""As a worker reads its inputs: commands are aligned with the events."""
END_MS = (FIRST_DAY + 140) * DAY_MS
GONE = ("who.c1@", "who.c3@")
AT_MS = (FIRST_DAY + 50) * DAY_MS + 9 * HOUR_MS
BOUNDARY = FIRST_DAY + 51


@cache
def history(seed: int) -> tuple[list[Event], list[Command]]:
    """Events of customers with ids that nothing else looks like, and what is said of their alerts."""
    events = [replace(one, customer_id=f"who.{one.customer_id}@") for one in rich_history(seed, customers=5, days=100)]
    told = oracle(default_rules(), events, END_MS).told
    alerts = [decode_alert(one) for key, payloads in told.items() if key[0] == "alert" for one in payloads]
    alerts.sort(key=lambda one: (one.alert_id, one.revision))
    spoken = [one for one in spoken_of(alerts, [], random.Random(seed)) if isinstance(one, Command)]
    return events, [*{(one.customer_id, one.id): one for one in spoken}.values()]


def erasures() -> list[Command]:
    """At one midnight, and one of them again."""
    said = [Command(f"erase-{one}", "erase", one, AT_MS, "Ann") for one in GONE]
    return [*said, replace(said[0], id="again", at_ms=AT_MS + 3 * DAY_MS)]


def of_others(found: Outcome) -> dict[Key, set[bytes]]:
    def is_other(customer_id: str) -> bool:
        return customer_id not in GONE and not is_erased_name(customer_id)

    return {key: payloads for key, payloads in found.told.items() if is_other(found.customers[key])}


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_left_of_who_is_erased_and_all_others_notice_nothing(seed: int) -> None:
    events, said = history(seed)
    found = oracle(default_rules(), events, END_MS, commands=[*said, *erasures()])
    others = oracle(default_rules(), events, END_MS, commands=said)
    assert of_others(found) == of_others(others)
    assert found.states == [one for one in others.states if one["customer_id"] not in GONE]
    data = freeze(found.partition).to_bytes()
    assert not any(one.encode() in data for one in GONE)
    assert b"who.c2@" in data
    again = load(data, default_rules())
    assert freeze(again).to_bytes() == data
    assert [again.customers.erased.is_erased(one) for one in (*GONE, "who.c2@")] == [True, True, False]
    population = population_of(found.partition)
    assert population.customers.total() == len(found.states) == 3
    assert population.at_risk <= 3


def left_of(partition: Partition) -> list[str]:
    """Where something is kept by the rows of nobody."""
    customers, review = partition.customers, partition.review
    rows = np.array([row for row, name in enumerate(customers.roster.ids) if not name], np.int32)
    assert len(rows) == len(GONE) == customers.roster.holes
    found = [
        column.name
        for column in COLUMNS
        if not np.array_equal(
            getattr(customers.columns, column.name)[rows], np.full(len(rows), column.fill), equal_nan=True
        )
    ]
    found += [name for name, log in customers.days.logs.items() if np.isin(log.rows(), rows).any()]
    found += [f"window {one}" for one in review.windows.asked if review.windows.sums(one)[rows].any()]
    for of in review.alerts:
        tables = (of.open, of.cooling, of.pending, of.trials)
        by_row = (of.early, of.corroborated, of.snoozed, of.held, of.walks)
        found += [of.signal.id for table in tables if table.has(rows).any()]
        found += [of.signal.id for kept in by_row if {*kept} & {*rows.tolist()}]
    found += ["contacts"] if {*review.follow_up.contacts.at} & {*rows.tolist()} else []
    if review.scoring is not None:
        taken = [taken.rows for _, taken in review.scoring.pending.newest_first()]
        found += ["snapshots of the model"] if any(np.isin(of, rows).any() for of in taken) else []
        found += ["risks"] if not np.isnan(review.scoring.risks.values[:, rows]).all() else []
    return found


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_kept_by_the_rows_that_are_nobodys(seed: int) -> None:
    events, said = history(seed)
    found = oracle(default_rules(), events, END_MS, commands=[*said, *erasures()])
    assert left_of(found.partition) == []


@pytest.mark.parametrize("seed", range(2))
def test_every_count_reconciles_and_what_belongs_behind_the_midnight_counts_as_erased(seed: int) -> None:
    events, said = history(seed)
    found = oracle(default_rules(), events, END_MS, commands=[*said, *erasures()])
    day_of = default_rules().basis.calendar.day_of
    behind = [one for one in events if one.customer_id in GONE and day_of(one.time_ms) >= BOUNDARY]
    assert sum(of["erased"] for of in found.counts) == len(behind) > 0
    assert sum(sum(of.values()) for of in found.counts) == len(events)
    commands = found.partition.ledger.commands
    assert sum(commands.values()) == len(said) + len(erasures())
    assert commands["erased"] > 0


@pytest.mark.parametrize("seed", range(2))
def test_arrival_frames_and_crashes_leave_no_trace_in_what_comes_of_erasures(seed: int) -> None:
    events, said = history(seed)
    said = [*said, *erasures()]
    logs, truth = logs_of(events, said), oracle(default_rules(), events, END_MS, commands=said)
    assert len(logs[COMMANDS]) == len(said)
    for name in IN_STEP:
        dice = random.Random(f"{seed}/{name}")
        found = run(default_rules(), logs, PATTERNS[name], dice, crashes=4, until_ms=END_MS)
        assert differences(found, truth) == [], name
    disordered = shuffled(logs, random.Random(seed))
    found = run(default_rules(), disordered, PATTERNS["aligned"], random.Random(seed), crashes=4, until_ms=END_MS)
    assert differences(found, truth, is_shuffled=True) == []


@pytest.mark.parametrize("seed", range(2))
def test_what_feeds_that_are_down_hold_of_who_is_erased_goes_too_whatever_crashes(seed: int) -> None:
    rules = build_rules(catalogue() | {"outage": {"chance": 0.4, "weeks": 2}})
    silent = silent_history(random.Random(seed), range(len(FEEDS)), customers=8)
    events = [replace(one, customer_id=f"who.{one.customer_id}@") for one in silent]
    logs, truth = logs_of(events, erasures()), oracle(rules, events, END_MS, commands=erasures())
    assert any(b"feed_outage" in one for payloads in truth.told.values() for one in payloads)
    assert left_of(truth.partition) == []
    data = freeze(truth.partition).to_bytes()
    assert not any(one.encode() in data for one in GONE)
    for name in ("sorted", "aligned"):
        found = run(rules, logs, PATTERNS[name], random.Random(seed), crashes=4, until_ms=END_MS)
        assert differences(found, truth) == [], name
        assert left_of(found.partition) == []


def arrives_late(one: Entry, *, is_before: bool) -> Entry:
    """`is_before`: purchases, and so the midnights, come days behind all others, and erasures behind what they refuse.

    Else what those who are erased did before comes when they are.
    """
    event, late_ms = one.content, 0
    if isinstance(event, Command):
        late_ms = 40 * HOUR_MS if event.action == "erase" and is_before else 0
    elif isinstance(event, Event):
        is_of_gone = event.customer_id in GONE and AT_MS - 2 * DAY_MS < event.time_ms < AT_MS
        late_ms = 4 * DAY_MS * (event.feed == PURCHASE) if is_before else 6 * DAY_MS * is_of_gone
    return one._replace(arrived_ms=one.arrived_ms + late_ms)


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("crashes", [0, 4])
def test_as_what_an_event_of_who_is_erased_is_counted_follows_from_arrival_and_nothing_else_does(
    crashes: int, *, is_before: bool
) -> None:
    events, said = history(0)
    events = [*events, *(login(GONE[0], AT_MS + hours * HOUR_MS, id=f"l{hours}") for hours in (-30, -20, 20, 25))]
    said = [*[one for one in said if one.customer_id not in GONE], *erasures()]
    truth = oracle(default_rules(), events, END_MS, commands=said)
    moved = [[arrives_late(one, is_before=is_before) for one in log] for log in logs_of(events, said)]
    logs = [sorted(log, key=lambda one: one.arrived_ms) for log in moved]
    found = run(default_rules(), logs, PATTERNS["sorted"], random.Random(1), crashes=crashes, until_ms=END_MS)
    assert of_others(found) == of_others(truth)
    assert (found.states, found.partition.boundary) == (truth.states, truth.partition.boundary)
    assert counted(found) == counted(truth)
    ours, theirs = (sum(of["erased"] for of in one.counts) for one in (found, truth))
    assert ours < theirs if is_before else ours > theirs
    assert sum(found.partition.ledger.commands.values()) == len(said)


def digests_told(seed: int) -> list[tuple[int, DigestV1, dict[str, Kept | None]]]:
    """The digests of each boundary, and what was kept because of it."""
    events, said = history(seed)
    replay, lists = Replay(default_rules(), 1), Lists(default_rules(), 1)
    for one in among(sorted([*said, *erasures()], key=lambda one: one.at_ms), sorted(events, key=lambda e: e.time_ms)):
        replay.take(one)
    replay.until(END_MS)
    found = []
    for message in filter(is_told, replay.drain()):
        found += [(day.boundary, digest, day.changes) for day in lists.follow(message) for digest in day.digests]
    return found


@pytest.mark.parametrize("seed", range(2))
def test_no_owner_s_newest_digest_names_who_is_erased(seed: int) -> None:
    newest: dict[str, bytes] = {}
    kept: dict[str, bytes] = {}
    was_named = False
    for boundary, digest, changes in digests_told(seed):
        newest[digest.owner] = encode_digest(digest)
        kept |= {name: msgspec.json.encode(one) for name, one in changes.items()}
        named = [one for one in GONE if any(one.encode() in of for of in (*newest.values(), *kept.values()))]
        was_named |= bool(named)
        if boundary > BOUNDARY:
            assert not named
    assert was_named
