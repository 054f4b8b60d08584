"""Digests are a function of what was sent, and each list is what a plain reading of the rules makes of it.

How partitions' records interleave, and where a dispatcher begins again, leave no trace.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.catalogue.catalogue import build_rules
from models.catalogue.outage import FEED_OUTAGE
from models.catalogue.rules import Rules
from models.digests.backlog import BEGINNING, Resume
from models.digests.lists import Kept, Lists
from models.digests.ranking import order
from models.engine.replay import Replay
from schemas.alert import AlertV1
from schemas.digest import DigestV1
from schemas.erasure import ErasureV1, erased_name
from schemas.event import FEEDS
from schemas.instant import from_rfc3339, to_rfc3339
from schemas.partitioner import partition_of
from schemas.reviewed import ReviewedV1, Told, decode_told, encode_reviewed, is_told
from support.silences import silent_history
from support.spoken import ACTIONS, ERASING, spoken_of
from support.tries import tries
from support.troubled import catalogue, rich_history

DAY_MS = 86_400_000
PARTITIONS = 3

quick = settings(
    max_examples=tries(12), derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip

FEW_ERASED = (*ACTIONS * 3, ERASING[-1])


def rules_with(budget: int) -> Rules:
    """The default catalogue where each owner can look after so many customers a day, and heads after all."""
    own = catalogue()
    own["owners"] = {
        name: {**({} if body is None else body), "alerts_a_day": budget} for name, body in own["owners"].items()
    }
    return build_rules(own)


def told_by(
    rules: Rules, seed: int, partitions: int, customers: int = 8, *, is_erasing: bool = False
) -> list[list[Told]]:
    """What each partition tells of a history in which people answer some alerts, in the order in which it does."""
    events = sorted(rich_history(seed, customers=customers, days=100), key=lambda event: event.time_ms)
    until_ms = events[-1].time_ms + 20 * DAY_MS
    first = Replay(rules, 1)
    for event in events:
        first.take(event)
    alerts = [one for one in first.drain() if isinstance(one, AlertV1)]
    engine = Replay(rules, partitions)
    for one in sorted(
        spoken_of(alerts, events, random.Random(seed), FEW_ERASED if is_erasing else ACTIONS), key=_time_ms
    ):
        engine.take(one)
    return _told(engine, until_ms)


def _told(engine: Replay, until_ms: int) -> list[list[Told]]:
    engine.until(until_ms)
    return [[one for one in partition.drain() if is_told(one)] for partition in engine.partitions]


def _time_ms(one: Any) -> int:
    return int(one.at_ms if hasattr(one, "at_ms") else one.time_ms)


def interleaved(told: Sequence[Sequence[Told]], dice: random.Random) -> list[Told]:
    """All partitions' records in one order that keeps each one's own; some of them twice, as after a crash."""
    places, found = [0] * len(told), list[Told]()
    while any(at < len(of) for at, of in zip(places, told, strict=True)):
        which = dice.choice([n for n, of in enumerate(told) if places[n] < len(of)])
        for _ in range(dice.randint(1, 30)):
            if places[which] < len(told[which]):
                found.append(told[which][places[which]])
                places[which] += 1
        if dice.random() < 0.1:
            found.append(dice.choice(found))
    return found


def digests_of(rules: Rules, log: Sequence[Told], partitions: int) -> list[DigestV1]:
    lists, found = Lists(rules, partitions), list[DigestV1]()
    for one in log:
        found += [digest for day in lists.follow(one) for digest in day.digests]
    return found


class Life:
    """A dispatcher that may be killed between any two records of what it keeps."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        self.rules, self.partitions = rules, partitions
        self.kept: dict[str, bytes] = {}
        self.at = msgspec.json.encode(BEGINNING)
        self.sent: dict[tuple[str, str], DigestV1] = {}

    def run(self, log: Sequence[Told], dice: random.Random, kill_after: int | None) -> None:
        """Work until the log's end, or be killed after so many records were kept."""
        kept = {name: msgspec.json.decode(value, type=Kept) for name, value in self.kept.items()}
        at = msgspec.json.decode(self.at, type=Resume)
        lists, writes = Lists(self.rules, self.partitions, kept=kept, at=at), 0
        for offset in range(at.offset, len(log)):
            lists.take(log[offset], offset)
            if dice.random() < 0.5:
                continue  # several boundaries may become complete at once
            for day in lists.days():
                for digest in day.digests:
                    known = self.sent.setdefault((digest.owner, digest.at), digest)
                    assert known == digest, "what is sent twice is alike"
                for name, change in day.changes.items():
                    if writes == kill_after:
                        return
                    writes += 1
                    if change is None:
                        self.kept.pop(name, None)
                    else:
                        self.kept[name] = msgspec.json.encode(change)
                self.at = msgspec.json.encode(lists.resume())


@quick
@given(st.integers(0, 10_000), st.integers(0, 4), st.booleans())
def test_neither_interleaving_nor_partitions_nor_crashes_leave_a_trace(
    seed: int,
    budget: int,
    is_erasing: bool,  # noqa: FBT001 - drawn
) -> None:
    dice, rules = random.Random(seed), rules_with(budget)
    truth = digests_of(rules, interleaved(told_by(rules, seed, 1, is_erasing=is_erasing), dice), 1)
    told = told_by(rules, seed, PARTITIONS, is_erasing=is_erasing)
    log = interleaved(told, dice)
    assert sorted(digests_of(rules, log, PARTITIONS), key=_place) == sorted(truth, key=_place)
    life = Life(rules, PARTITIONS)
    for _ in range(4):
        life.run(log[: dice.randrange(len(log))], dice, dice.randrange(40))
    life.run(log, dice, None)
    life.run([*log, *log[-1:]], random.Random(1), None)
    ends = {one.at for one in truth}
    assert {at for _, at in life.sent} <= ends
    assert [life.sent[one.owner, one.at] for one in truth if (one.owner, one.at) in life.sent] == [
        one for one in truth if (one.owner, one.at) in life.sent
    ]
    assert len(truth) - len(life.sent) <= len({one.owner for one in truth}), "none is left out but of the last boundary"


@pytest.mark.parametrize("seed", range(3))
def test_what_tells_of_a_feed_belongs_to_the_boundary_at_which_its_partition_decided_it(seed: int) -> None:
    rules = build_rules(catalogue() | {"outage": {"chance": 0.4, "weeks": 2}})
    dice = random.Random(seed)
    events = sorted(silent_history(dice, range(len(FEEDS)), customers=12), key=_time_ms)
    until_ms = events[-1].time_ms + 10 * DAY_MS
    before = Replay(rules, 1, together=PARTITIONS)
    for event in events:
        before.take(event)
    alerts = [one for one in _told(before, until_ms)[0] if isinstance(one, AlertV1) and one.is_of_feed]
    whole, apart = Replay(rules, 1, together=PARTITIONS), Replay(rules, PARTITIONS)
    for one in sorted(spoken_of(alerts, events, dice), key=_time_ms):
        whole.take(one)
        apart.take(one)
    (alone,), told = _told(whole, until_ms), _told(apart, until_ms)
    assert len({n for n, of in enumerate(told) for one in of if isinstance(one, AlertV1) and one.is_of_feed}) > 1
    truth = {(one.owner, one.at): one for one in digests_of(rules, alone, 1)}
    ours = [truth[place] for place in truth if place[0] == rules.outage_alert.owner]
    assert {alert.signal for one in ours for line in one.new for alert in line.alerts} == {FEED_OUTAGE}
    assert {end.became for one in ours for end in one.became} > {"ended", "escalated"}
    for _ in range(5):
        log = interleaved(told, dice)
        assert {(one.owner, one.at): one for one in digests_of(rules, log, PARTITIONS)} == truth
        life = Life(rules, PARTITIONS)
        for _ in range(4):
            life.run(log[: dice.randrange(len(log))], dice, dice.randrange(40))
        life.run([*log, *log[-1:]], dice, None)
        assert life.sent.items() <= truth.items()


@pytest.mark.parametrize("seed", range(tries(8)))
def test_no_digest_that_is_kept_names_who_is_erased_though_its_owner_left_the_catalogue(seed: int) -> None:
    dice, before, other = random.Random(seed), rules_with(3), catalogue()
    for signal in other["signals"].values():
        signal["owner"] = "Care"
    (told,) = told_by(before, seed, 1)
    sent = [one for one in told if isinstance(one, AlertV1)]
    last = to_rfc3339(from_rfc3339(max(one.boundary for one in told if isinstance(one, ReviewedV1))) + DAY_MS)
    over = {one.alert_id: replace(one, revision=99, status="resolved", ends_at=last, observed_at=last) for one in sent}
    later = [to_rfc3339(from_rfc3339(last) + day * DAY_MS) for day in range(1, 4)]
    who = dice.choice(sent).customer_id
    log = [*told, *over.values(), *(ReviewedV1(0, at) for at in (last, *later[:2]))]
    life = Life(before, 1)
    life.run([*log, log[-1]], dice, None)
    life.run([*log, log[-1]], random.Random(1), None)
    named = {owner for (owner, _), one in life.sent.items() if who in str(one)}
    assert named
    life.rules = build_rules(other | {"owners": {}})
    log += [ErasureV1(erased_name("s", who), later[2], erased_name("s", "")), ReviewedV1(0, later[2])]
    life.run([*log, log[-1]], dice, 0)
    life.run([*log, log[-1]], random.Random(1), None)
    newest = {owner: one for (owner, _), one in sorted(life.sent.items(), key=lambda one: one[0][1])}
    assert named <= {owner for owner, one in newest.items() if one.at == later[2]}
    assert not [one for one in newest.values() if who in str(one)]


def _place(digest: DigestV1) -> tuple[str, str]:
    return digest.at, digest.owner


# -- the rules, read plainly


@pytest.mark.parametrize("budget", [1, 3, 50])
def test_a_list_is_what_the_rules_say(budget: int) -> None:
    rules = rules_with(budget)
    (told,) = told_by(rules, 7, 1)
    digests = digests_of(rules, told, 1)
    assert {one.owner for one in digests} >= {"Support", "Retention", "Head of Support"}
    listed: dict[tuple[str, str], str] = {}
    for one in digests:
        own = budget if one.owner in rules.teams else 20
        assert (one.budget, len(one.new)) == (own, one.counts.new)
        assert one.counts.new <= own
        assert not one.waiting or one.counts.new == own, "nobody waits while there is room"
        for line in one.new:
            for alert in line.alerts:
                assert alert.listed_at == one.at
                assert (one.owner, alert.alert_id) not in listed, "an alert is put on a list once"
                listed[one.owner, alert.alert_id] = one.at
        for line in one.open:
            assert any(alert.listed_at is not None and alert.listed_at < one.at for alert in line.alerts)
            for alert in line.alerts:
                assert listed.setdefault((one.owner, alert.alert_id), one.at) == alert.listed_at
        assert all(alert.listed_at is None for line in one.waiting for alert in line.alerts)
        assert len({line.customer_id for line in (*one.new, *one.open, *one.waiting)}) == (
            one.counts.new + one.counts.open + one.counts.waiting
        ), "a customer is called once"
        for end in one.became:
            assert listed[one.owner, end.alert_id] == end.listed_at < one.at
    found = {one.became for digest in digests for one in digest.became}
    assert found >= {"ended", "acknowledged", "escalated", "snoozed"}


def test_who_is_worth_more_comes_first() -> None:
    rules, checked = rules_with(1), 0
    for seed in range(2):
        (told,) = told_by(rules, seed, 1, customers=25)
        lists, newest = Lists(rules, 1), dict[str, AlertV1]()
        for one in told:
            if isinstance(one, AlertV1):
                newest[one.alert_id] = one
            for digest in (digest for day in lists.follow(one) for digest in day.digests):
                first, waiting = (
                    [order(newest[alert.alert_id], 1.0) for line in lines for alert in line.alerts]
                    for lines in (digest.new, digest.waiting)
                )
                if first and waiting:
                    checked += 1
                    assert min(first) < min(waiting)
    assert checked > 5, checked


def test_a_customer_of_the_partition_is_told_by_that_partition() -> None:
    rules = rules_with(20)
    for number, of in enumerate(told_by(rules, 3, PARTITIONS)):
        for one in of:
            if isinstance(one, ErasureV1):
                continue
            own = one.partition if isinstance(one, ReviewedV1) else partition_of(one.customer_id.encode(), PARTITIONS)
            assert own == number


def test_progress_comes_back_from_its_bytes_and_garbage_is_refused() -> None:
    one = ReviewedV1(3, "2026-01-02T00:00:00Z")
    assert decode_told(encode_reviewed(one)) == one
    for value in (b"", b"[]", b"{}", b'{"type":"other"}', b'{"type":"reviewed"}'):
        with pytest.raises(msgspec.MsgspecError):
            decode_told(value)
