"""Who is merged is one customer from then on, as the reference says, in any number of partitions, whatever crashes."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.customers.columns import COLUMNS
from models.engine.replay import Replay, Then
from models.engine.snapshot import freeze, load
from property.test_reference import differences, quick
from property.test_taken_up import catalogues
from reference.life import Risks
from reference.run import moments_of, run
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.erasure import ErasureV1, erased_name
from schemas.event import Event
from schemas.moved import AnnouncedV1, HistoryV1, MarkV1, MovedEventV1
from schemas.partitioner import partition_of
from schemas.receipt import ReceiptV1
from streams.files.commands import among
from support.builders import DAY_MS, HOUR_MS, email, login, purchase, ticket
from support.many_partitions import Course, Found, lived, replayed, unlike
from support.merges import calm, merge, with_merges
from support.spoken import with_commands
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history
from support.upsets import CLOCK, end_of, some_risk, upset_runs

RULES = calm({0: default_rules()})[0]
UNTIL_MS = (FIRST_DAY + 50) * DAY_MS
COUNTS = (1, 2, 5)


@quick
@given(st.data(), upset_runs(), st.sampled_from((None, some_risk)), st.integers(0, 999))
def test_merges_among_late_events_commands_and_restarts_give_what_the_reference_says(
    data: st.DataObject, upset: tuple[dict[int, Rules], list[Event]], risks: Risks | None, seed: int
) -> None:
    changes, events = calm(upset[0]), upset[1]
    until_ms = end_of(events, 5)
    told = run(list(moments_of(events, changes, until_ms)), but=(CLOCK,)).alerts
    said = data.draw(with_commands(told, events))
    arrivals = data.draw(with_merges(said))
    assert differences(changes, arrivals, until_ms, risks, seed=seed) == []


@cache
def story(seed: int) -> tuple[list[Event], list[Command]]:
    """A history, and merges in it: of pairs; by odd seeds of some who are aliases and customers as well."""
    dice = random.Random(seed)
    who = [f"c{number}" for number in range(8)]
    dice.shuffle(who)
    pairs = [(who[2 * number], who[2 * number + 1]) for number in range(4)]
    if seed % 2:
        pairs = [(who[0], who[1]), (who[1], who[0]), (who[1], who[2]), (who[3], who[2]), (who[2], who[4])]
    said = []
    for number, (alias, into) in enumerate(pairs):
        at_ms = (FIRST_DAY + dice.randrange(5, 38)) * DAY_MS + dice.randrange(20) * HOUR_MS
        said.append(merge(alias, into, at_ms, f"m{number}"))
    return rich_history(seed, customers=8, days=42), said


@cache
def truth(seed: int) -> Found:
    return replayed(RULES, *story(seed), 1, UNTIL_MS)


@pytest.mark.parametrize("seed", range(2 * tries(4)))
def test_any_number_of_partitions_comes_to_the_same(seed: int) -> None:
    for count in COUNTS[1:]:
        assert unlike(replayed(RULES, *story(seed), count, UNTIL_MS), truth(seed)) == [], count


def facts_of(found: Found) -> dict[str, object]:
    return {who: state["facts"] for who, state in found.states.items()}


@pytest.mark.parametrize("seed", range(2 * tries(4)))
def test_workers_that_die_anywhere_come_to_what_replay_says(seed: int) -> None:
    for count, crashes in ((2, 0.05), (5, 0.05))[seed % 2 :]:
        found = lived(RULES, *story(seed), count, UNTIL_MS, random.Random(f"{seed}/{count}"), Course(crashes))
        if seed % 2:  # what goes through three partitions may come a boundary later
            assert facts_of(found) == facts_of(truth(seed)), (count, crashes)
        else:
            assert unlike(found, truth(seed)) == [], (count, crashes)
        kinds = {kind.__name__ for kind in (AnnouncedV1, HistoryV1, MarkV1, MovedEventV1)}
        assert found.moved.keys() == kinds


@pytest.mark.parametrize("seed", range(2, 2 + 2 * tries(8), 2))
def test_what_is_sent_again_lies_beside_what_was_sent_before(seed: int) -> None:
    """A broker keeps of each key what was sent last, and a restart sends anew what others have read long ago."""
    course = Course(crashes=0.1, saves=0.02, ticks=False, lags=0.2, compacts=0.3, is_said_first=True)
    count = COUNTS[1 + seed // 2 % 2]
    found = lived(RULES, *story(seed), count, UNTIL_MS, random.Random(f"{seed}/{count}"), course)
    assert unlike(found, truth(seed)) == [], count


@pytest.mark.parametrize("count", COUNTS)
def test_an_alias_may_leave_before_its_partition_has_seen_anybody(count: int) -> None:
    events, (said, *_) = story(0)
    events = [one for one in events if one.customer_id == said.customer_id]
    first_ms = min(one.time_ms for one in events)
    one_id = [replace(one, customer_id=str(said.into)) for one in events]
    wanted = replayed(RULES, one_id, [], count, UNTIL_MS)
    for days in (1, 2, 5):
        found = replayed(RULES, events, [replace(said, at_ms=first_ms - days * DAY_MS)], count, UNTIL_MS)
        assert {one["reason"] for one in told_of(found, "receipt")} == {None}
        assert told_of(found, "stage") == told_of(wanted, "stage")
        assert facts_of(found) == facts_of(wanted)


def told_of(found: Found, kind: str) -> list[dict[str, Any]]:
    """What was told of a kind, in the order of time."""
    rows = [orjson.loads(one) for key, told in found.told.items() if key[0] == kind for one in told]
    return sorted(rows, key=lambda row: str(row["at"]))


@pytest.mark.parametrize("seed", range(0, 2 * tries(4), 2))
def test_other_catalogues_amid_merges_lose_nothing(seed: int) -> None:
    first, second, third = (calm({0: rules})[0] for rules in catalogues().values())
    then = [Then(FIRST_DAY + 14, second), Then(FIRST_DAY + 30, first)]
    for count in COUNTS[1:]:
        found = replayed(first, *story(seed), count, UNTIL_MS, then)
        assert facts_of(found) == facts_of(truth(seed)), count
    then = [*then, Then(FIRST_DAY + 40, third)]
    wanted = replayed(first, *story(seed), 2, UNTIL_MS, then)
    found = lived(first, *story(seed), 2, UNTIL_MS, random.Random(seed), Course(0.05), then)
    assert unlike(found, wanted, is_worded_anyhow=True) == []


@pytest.mark.parametrize("seed", range(0, 2 * tries(4), 2))
def test_who_is_merged_is_who_had_one_id_from_the_start(seed: int) -> None:
    events, said = story(seed)
    of = {one.customer_id: str(one.into) for one in said}
    one_id = [replace(one, customer_id=of.get(one.customer_id, one.customer_id)) for one in events]
    wanted, found = replayed(RULES, one_id, [], 1, UNTIL_MS).states, truth(seed).states
    assert found.keys() == wanted.keys()
    for who, state in wanted.items():
        assert found[who]["facts"] == state["facts"], who
        for name in ("stage", "do_not_contact"):
            assert found[who]["verdict"][name] == state["verdict"][name], who


def windows_of(replay: Replay) -> dict[str, list[int]]:
    """Every sum that a catalogue asks for, by customer."""
    (partition,) = replay.partitions
    ids, windows = partition.customers.roster.ids, partition.review.windows
    asked = sorted(windows.asked, key=repr)
    gone = partition.customers.aliases.gone
    return {one: [int(windows.sums(of)[row]) for of in asked] for row, one in enumerate(ids) if one not in gone}


def test_windows_clocks_and_slopes_are_those_of_one_id_and_a_snapshot_holds_all_of_it() -> None:
    events, said = story(0)
    of = {one.customer_id: str(one.into) for one in said}
    one_id = [replace(one, customer_id=of.get(one.customer_id, one.customer_id)) for one in events]
    apart, together = Replay(RULES, 1), Replay(RULES, 1)
    for replay, taken, spoken in ((apart, events, said), (together, one_id, [])):
        for one in among(sorted(spoken, key=lambda o: o.at_ms), sorted(taken, key=lambda o: (o.time_ms, o.feed))):
            replay.take(one)
        replay.until(UNTIL_MS)
    assert windows_of(apart) == windows_of(together)
    (ours,), (theirs,) = apart.partitions, together.partitions
    for name in ("first_day", "last_day", "last_purchase", "last_login", "restart", "longest_gap", "bought_again"):
        for who in of.values():
            row, other = ours.customers.roster.row_of(who), theirs.customers.roster.row_of(who)
            assert getattr(ours.customers.columns, name)[row] == getattr(theirs.customers.columns, name)[other], name
    data = freeze(ours).to_bytes()
    assert freeze(load(data, RULES)).to_bytes() == data


@pytest.mark.parametrize("ago", range(4))
def test_nothing_is_lost_of_days_that_are_kept_until_somebody_is_joined(ago: int) -> None:
    boundary = FIRST_DAY + RULES.basis.keep_days + ago
    events = [one("a", FIRST_DAY * DAY_MS + HOUR_MS) for one in (login, purchase, ticket)]
    events.append(email("a", (FIRST_DAY + 1) * DAY_MS, action="unsubscribed"))
    events += [purchase("c", day * DAY_MS, id=f"p{day}") for day in range(FIRST_DAY + 2, boundary + 5, 90)]
    one_id = [replace(one, customer_id="c") for one in events]
    found = []
    for taken, said in ((events, [merge("a", "c", (boundary - 1) * DAY_MS)]), (one_id, [])):
        replay = Replay(RULES, 1)
        for one in among(said, sorted(taken, key=lambda o: (o.time_ms, o.feed))):
            replay.take(one)
        replay.until((boundary + 7) * DAY_MS)
        (partition,) = replay.partitions
        row, columns = partition.customers.roster.row_of("c"), partition.customers.columns
        found.append({name.name: getattr(columns, name.name)[row].item() for name in COLUMNS})
    assert {name: (value, found[1][name]) for name, value in found[0].items() if value != found[1][name]} == {}


def test_an_alias_is_answered_with_its_customer_and_its_alerts_end() -> None:
    events, said = story(0)
    alias, into = said[0].customer_id, said[0].into
    later = said[0].at_ms + 3 * DAY_MS
    more = [
        replace(said[0], id="again", at_ms=later),
        Command("out", "opt_out", alias, later, "Ann"),
        Command("gone", "erase", alias, later, "Ann"),
    ]
    replay = Replay(RULES, 5)
    for one in among(sorted([*said, *more], key=lambda o: o.at_ms), sorted(events, key=lambda o: (o.time_ms, o.feed))):
        replay.take(one)
    replay.until(UNTIL_MS)
    receipts = {one.command_id: one for one in replay.drain() if isinstance(one, ReceiptV1)}
    assert [(receipts[name].reason, receipts[name].into) for name in (said[0].id, "again", "out", "gone")] == [
        (None, into), ("already_merged", into), ("merged", into), ("merged", into)
    ]  # fmt: skip


def test_who_is_erased_takes_their_aliases_along() -> None:
    events, said = story(0)
    names = {one.customer_id: f"who.{one.customer_id}@" for one in events}
    events = [replace(one, customer_id=names[one.customer_id]) for one in events]
    first = replace(said[0], customer_id=names[said[0].customer_id], into=names[str(said[0].into)])
    gone = (first.customer_id, str(first.into))
    erase = Command("e", "erase", gone[1], first.at_ms + 6 * DAY_MS, "Ann")
    for count in COUNTS:
        replay = Replay(RULES, count)
        for one in among([first, erase], sorted(events, key=lambda o: (o.time_ms, o.feed))):
            replay.take(one)
        replay.until(UNTIL_MS)
        replay.drain()
        erased = [sum(partition.customers.erased.is_erased(one) for partition in replay.partitions) for one in gone]
        assert erased == [1, 1]
        for partition in replay.partitions:
            data = freeze(partition).to_bytes()
            assert not any(one.encode() in data for one in gone), count


def name_of(number: int) -> str:
    return f"who.c{number}@"


def at(day: int, hour: int) -> int:
    return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS


ALIAS, INTO = name_of(1), name_of(2)
MERGED = merge(ALIAS, INTO, at(10, 9))
OTHER_WAY = merge(INTO, ALIAS, at(12, 9), "back")


def erase(customer_id: str, at_ms: int) -> Command:
    return Command("e", "erase", customer_id, at_ms, "Ann")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ([MERGED, erase(ALIAS, at(10, 12))], {ALIAS: 11}),
        ([erase(ALIAS, at(10, 7)), MERGED], {ALIAS: 11}),
        ([MERGED, erase(ALIAS, at(10, 12)), OTHER_WAY], {ALIAS: 11}),  # refused: it was said the other way round
        ([MERGED, erase(INTO, at(10, 12))], {INTO: 11, ALIAS: 12}),
        ([erase(INTO, at(5, 12)), MERGED], {INTO: 6, ALIAS: 12}),
        ([MERGED, OTHER_WAY, erase(INTO, at(15, 9))], {INTO: 16, ALIAS: 17}),
        ([MERGED, merge(INTO, name_of(3), at(12, 9), "on"), erase(name_of(3), at(15, 9))],
         {name_of(3): 16, INTO: 17, ALIAS: 18}),
    ],
)  # fmt: skip
def test_of_who_is_erased_amid_merges_nothing_is_left_in_any_partition_and_nobody_goes_before_it_is_said(
    said: list[Command], gone: dict[str, int], count: int
) -> None:
    events = [replace(one, customer_id=f"who.{one.customer_id}@") for one in rich_history(0, customers=5, days=42)]
    events += [login("daily", at(day, hour), id=f"{day}/{hour}") for day in range(42) for hour in (0, 13)]
    rules = build_rules(catalogue() | {"feeds": ["login"]})
    replay = Replay(calm({0: rules})[0], count)
    for one in among(said, sorted(events, key=lambda o: (o.time_ms, o.feed))):
        replay.take(one)
    replay.until(UNTIL_MS)
    at_of = {one.customer: one.at for one in replay.drain() if isinstance(one, ErasureV1)}
    salt, text_of = rules.basis.erasure_salt, rules.basis.calendar.text_of
    assert at_of == {erased_name(salt, one): text_of(FIRST_DAY + day) for one, day in gone.items()}
    for partition in replay.partitions:
        data = freeze(partition).to_bytes()
        assert not any(one.encode() in data for one in gone), partition.number


def test_who_was_announced_and_is_erased_is_looked_for_where_it_was_announced() -> None:
    replay = Replay(RULES, 5)
    for one in (login(ALIAS, at(1, 9), id="1"), login(INTO, at(1, 9), id="2"), MERGED, erase(ALIAS, at(10, 12))):
        replay.take(one)
    replay.until(UNTIL_MS)
    name = erased_name(RULES.basis.erasure_salt, ALIAS)
    places = {partition_of(one.encode(), 5) for one in (ALIAS, INTO)}
    assert {one.number for one in replay.partitions if name in one.customers.erased.unswept} == places
    assert len(places) > 1


@pytest.mark.parametrize("erased_first", [False, True])
def test_nothing_of_an_alias_is_lost_as_somebody_wants_it_erased_however_far_reviews_are(*, erased_first: bool) -> None:
    """It is refused once the alias is gone: what happened meanwhile is the customer's."""
    said = [merge("a", "c", at(10, 9)), erase("a", at(12, 9))]
    events = [login("a", at(day, 12), id=str(day)) for day in range(20)]
    found = []
    for is_ticked in (False, True):
        replay = Replay(RULES, 1)
        timed: list[tuple[int, Event | Command]] = [(one.time_ms, one) for one in events]
        timed += [(at(0, 0) if erased_first and not is_ticked else one.at_ms, one) for one in reversed(said)]
        for time_ms, one in sorted(timed, key=lambda row: row[0]):
            if is_ticked:
                replay.until(time_ms)
            replay.take(one)
        replay.until(UNTIL_MS)
        found.append((list(replay.states()), [one for one in replay.drain() if isinstance(one, ReceiptV1)]))
    assert found[0] == found[1]
    assert [(one.action, one.reason) for one in found[0][1]] == [("merge", None), ("erase", "merged")]
    ((customer,), _), _ = found
    assert (customer["customer_id"], len(customer["facts"]["logins"])) == ("c", len(events))


@pytest.mark.parametrize("is_said_first", [False, True])
def test_an_alias_that_is_erased_before_it_would_leave_keeps_nothing_from_being_told_at_once(
    *, is_said_first: bool
) -> None:
    said = [erase("a", at(10, 9)), merge("a", "c", at(11, 9))]
    events = [login("daily", at(day, 5), id=str(day)) for day in range(30)]
    events += [ticket("c", at(20, hour), "opened", category="complaint", id=f"t{hour}") for hour in (9, 10)]
    replay = Replay(calm({0: build_rules(catalogue() | {"feeds": ["login", "ticket"]})})[0], 1)
    timed: list[tuple[int, Event | Command]] = [(one.time_ms, one) for one in events]
    timed += [(at(0, 0) if is_said_first else one.at_ms, one) for one in said]
    for time_ms, one in sorted(timed, key=lambda row: row[0]):
        replay.until(time_ms)
        replay.take(one)
    told = [one for one in replay.drain() if isinstance(one, AlertV1) and one.signal == "repeated_complaints"]
    assert [one.stage for one in told if one.revision == 1] == [None]
