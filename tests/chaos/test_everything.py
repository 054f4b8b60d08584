"""All at once on a real broker, and another catalogue in mid-stream: live equals `replay`, id by id.

Commands, erasures, merges, experiments, the cap, digests, a feed that is down, events late and twice, kills of workers
and of the dispatcher; what `catalogue history` says is what `replay --then` is told.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import orjson
import pytest
from msgspec.structs import replace as with_fields

from schemas.alert import decode_alert
from schemas.command import Action, Command, encode_command
from schemas.digest import decode_digest
from schemas.event import LOGIN, Event
from schemas.instant import from_rfc3339
from schemas.partitioner import partition_of
from streams.simulation.population import World, simulate
from support import sliced_worker
from support.announced import post_merges, wait_until_announced, wait_until_judged
from support.answers import arrivals_of, arrives_ms, commands_about
from support.arrivals import Arrival, duplicated, merged
from support.broker import Broker
from support.builders import DAY_MS, email, login, purchase, ticket
from support.crashes import Crashes
from support.dispatching import MADE_WITHIN_S, on_topic, place
from support.histories import write_history
from support.merges import merge
from support.oracles import (
    Expected,
    compare,
    compare_outcomes,
    compare_receipts,
    compare_suppressed,
    replay,
)
from support.posting import post, posting
from support.program import command, run
from support.waiting import wait_until
from support.workers import Deployment, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
OFF, BACK, DAYS = 40, 45, 70
DOWN: Final = range(PARTITIONS // 2, PARTITIONS)
"""Partitions that hear no logins meanwhile."""
SEED: Final = 5
CUSTOMERS: Final = {False: 260, True: 3_000}
PER_SECOND: Final = {False: 480, True: 1_500}
"""Events that are posted, by whether the run is of full size."""
START_MS: Final = from_rfc3339("2025-03-01T00:00:00Z")
ABOUT_FEEDS: Final = (
    ("snooze", DAY_MS // 4), ("acknowledge", 13 * DAY_MS // 4), ("acknowledge", 7 * DAY_MS // 2),
    ("outcome", 15 * DAY_MS // 4), ("acknowledge", 10 * DAY_MS),
)  # fmt: skip
"""When it is said, counted from the midnight at which a feed is found to be down."""
ERASED: Final = 8
MERGED: Final = 6
FIRST: Final = """\
base: default
model: off
outage: {chance: 0.01, weeks: 3, owner: Network}
attention: {contact_days: 14}
experiment: {holdout: 0.1, salt: first}
owners:
  Onboarding: {escalate_to: Head of Customer Success, people: 1, alerts_a_day: 2}
  Retention: {escalate_to: Head of Retention, people: 2, alerts_a_day: 1}
"""
SECOND: Final = """\
base: default
model: off
outage: {chance: 0.01, weeks: 3, respond_hours: 20}
attention: {contact_days: 9}
experiment: {holdout: 0.2, salt: second}
lifecycle: {dormant_days: 45}
owners:
  Platform: {escalate_to: Head of IT}
  Onboarding: {escalate_to: Head of Onboarding, people: 2, alerts_a_day: 2}
  Retention: {escalate_to: Head of Retention, people: 3, alerts_a_day: 1}
signals:
  usage_drop: off
  support_spike: {severity: warning}
  repeated_complaints: {when: complaints(30d) >= 3}
"""


def is_lost(event: Event) -> bool:
    """Whether it is a login that nobody posts."""
    day = (event.time_ms - START_MS) // DAY_MS
    is_off = event.feed == LOGIN and OFF <= day < BACK
    return is_off and partition_of(event.customer_id.encode(), PARTITIONS) in DOWN


@dataclass(frozen=True)
class Plan:
    """What is posted, and who is erased. `merges` are said before everything else.

    `without`: a replay without commands.
    `late` comes last, behind the bound on lateness: before, a partition that waits for another would take it in.
    """

    file: Path
    without: Expected
    said: Path
    merges: list[Command]
    posted: list[Arrival]
    gone: list[str]
    late: list[Event]


def plan(folder: Path, catalogue: Path, customers: int) -> Plan:
    dice = random.Random(SEED)
    world = World(customers=customers, days=DAYS, seed=SEED, start_ms=START_MS)
    events = sorted([*simulate(world)[0], *steady()], key=lambda one: (one.time_ms, one.feed))
    events = [one for one in events if not is_lost(one)]
    file = write_history(events, folder / "events.jsonl")
    (folder / "without").mkdir()
    without = replay(file, folder / "without", partitions=PARTITIONS, catalogue=str(catalogue))
    said = [one for one in commands_about(without, SEED) if not one.is_of_feed]
    said += about_feeds(without)
    early = sorted({one.customer_id for one in events if one.time_ms < START_MS + 20 * DAY_MS})
    gone = dice.sample(early, ERASED)
    said += erasures(gone, dice)
    joined = merges([one for one in early if one not in gone and not one.startswith("steady")], without.alerts, dice)
    (folder / "commands.jsonl").write_bytes(b"".join(encode_command(one) + b"\n" for one in [*said, *joined]))
    in_time = [one for one in events if one.time_ms < START_MS + (DAYS - 28) * DAY_MS]
    late = [with_fields(one, id=f"late-{one.id}") for one in dice.sample(in_time, 40)]
    timed = [(arrives_ms(one, is_live=True), one) for one in [*duplicated(events, SEED), *arrivals_of(said)]]
    write_history([*events, *late], file)
    posted = [one for _, one in sorted(timed, key=lambda one: one[0])]
    return Plan(file, without, folder / "commands.jsonl", joined, posted, gone, late)


def about_feeds(without: Expected) -> list[Command]:
    """What is said of each feed that is down: not now; somebody is at it, twice; what it was; and behind its end."""
    alerts = [decode_alert(line) for line in without.alerts.read_bytes().splitlines()]
    return [
        Command(
            f"feed-{number}", cast("Action", action), one.customer_id, from_rfc3339(one.observed_at) + after_ms, "Ann",
            one.alert_id, outcome="false_alarm" if action == "outcome" else None,
            until_ms=from_rfc3339(one.observed_at) + 2 * DAY_MS if action == "snooze" else None,
        )
        for one in alerts
        if one.is_of_feed and one.revision == 1
        for number, (action, after_ms) in enumerate(ABOUT_FEEDS)
    ]  # fmt: skip


def steady() -> list[Event]:
    """Customers, one in each partition, who post to every feed on every other day: no clock stays behind for long."""
    names = {partition_of(name.encode(), PARTITIONS): name for name in map("steady-{}".format, range(8 * PARTITIONS))}
    assert len(names) == PARTITIONS
    return [
        make(name, START_MS + day * DAY_MS, id=f"{name}-{make.__name__}-{day}")
        for name in names.values()
        for day in range(0, DAYS + 1, 2)
        for make in (purchase, login, ticket, email)
    ]


def erasures(customers: Sequence[str], dice: random.Random) -> list[Command]:
    """Some days in the middle, half of them while the feed is down."""
    days = [OFF + 1 + 3 * (place % 2) * place for place in range(len(customers))]
    at = [START_MS + day * DAY_MS + dice.randrange(DAY_MS) for day in days]
    return [
        Command(f"erase-{place}", "erase", one, at_ms, "Ann")
        for place, (one, at_ms) in enumerate(zip(customers, at, strict=True))
    ]


def merges(customers: Sequence[str], alerts: Path, dice: random.Random) -> list[Command]:
    """Some turn out to be somebody else half a day after an alert of theirs."""
    rows = map(orjson.loads, alerts.read_bytes().splitlines())
    last_ms = START_MS + (DAYS - 10) * DAY_MS
    fired = {one["customer_id"]: at_ms for one in rows if (at_ms := from_rfc3339(one["observed_at"])) < last_ms}
    aliases = dice.sample([one for one in customers if one in fired], MERGED)
    into = dice.sample([one for one in customers if one not in aliases], MERGED)
    return [
        merge(alias, customer_id, fired[alias] + DAY_MS // 2, f"merge-{alias}")
        for alias, customer_id in zip(aliases, into, strict=True)
    ]


def taken_up(deployment: Deployment, files: dict[str, Path]) -> list[str]:
    """What `replay` is to be told of catalogues, by what is on record."""
    told = run("catalogue", "history", "--json", **deployment.settings)
    assert told.code == 0, told.err
    found: dict[int, list[tuple[str, str]]] = {}
    for line in told.out.splitlines():
        one = orjson.loads(line)
        found.setdefault(one["partition"], []).append((one["since"], one["catalogue"]))
    options = []
    for number, since in sorted(found.items()):
        assert [name for _, name in since] == list(files), since
        day = date_before(since[1][0])
        options += ["--then", f"{number}:{day}={files[since[1][1]]}"]
    assert len(found) == PARTITIONS
    return options


def date_before(day: str) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(from_rfc3339(f"{day}T00:00:00Z") // 1000 - 86_400))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_everything_at_once_and_another_catalogue_in_mid_stream_come_to_what_replay_says(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(FIRST)
    second.write_text(SECOND)
    own = plan(tmp_path, first, CUSTOMERS[is_full])
    before = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=str(first), commit_interval_s="0.1")
    after = replace(before, more={**before.more, "catalogue": str(second)})
    post_merges(before, own.merges, START_MS)
    with (
        workers(before, "main-1", "main-2", program=sliced_worker.PROGRAM) as mains,
        workers(before, "dispatcher", is_static=False, program=command("dispatcher")) as (dispatcher,),
    ):
        crashes = Crashes(before, mains, len(own.posted), random.Random(SEED))
        try:
            for one in (*mains, dispatcher):
                one.start()
            wait_until_announced(before, own.merges)
            with posting(before, own.posted, per_second=PER_SECOND[is_full]):
                crashes.kill_mid_boundary(0.15)
                wait_until(lambda: bool(on_topic(before)), MADE_WITHIN_S, running=[dispatcher])
                dispatcher.kill_9()
                dispatcher.deployment = after
                dispatcher.start()
                crashes.start_as(0.35, after)
                crashes.kill_mid_boundary(0.6)
        finally:
            crashes.close()
        wait_for_lag_zero(after, mains, within_s=240, is_after_kills=True)
        wait_until_judged(mains, own.without)
        post(after, merged(own.late), tells_ends=False)
        wait_for_lag_zero(after, mains, within_s=60)
        options = taken_up(after, {hash_of(before): first, hash_of(after): second})
        made = tmp_path / "digests.jsonl"
        expected = replay(
            own.file, tmp_path, partitions=PARTITIONS, catalogue=str(first), commands=own.said,
            exclude="\n".join(one.id for one in own.late), more=[*options, "--digests", str(made)],
        )  # fmt: skip
        lists = {place(one): one for one in map(decode_digest, made.read_bytes().splitlines())}
        wait_until(lambda: {place(one) for one in on_topic(after)} >= lists.keys(), MADE_WITHIN_S, running=[dispatcher])
        assert [one.terminate() for one in (*mains, dispatcher)] == [0, 0, 0]
    print(f"\n{options}, {crashes.report}")
    check_equal(after, expected)
    assert not [one for one in on_topic(after) if one != lists.get(place(one))][:2]
    check_much_happened(expected)


def hash_of(deployment: Deployment) -> str:
    told = run("catalogue", "check", deployment.more["catalogue"], **deployment.settings)
    return told.out.splitlines()[0].rsplit(" ", 1)[1]


def check_much_happened(expected: Expected) -> None:
    """There is something to compare of everything."""
    held = Counter(orjson.loads(line)["rule"] for line in expected.suppressed.read_bytes().splitlines())
    assert min(held[rule] for rule in ("feed_down", "capped", "held_out", "snoozed", "opted_out")) > 1, held
    told = Counter(orjson.loads(line)["action"] for line in expected.receipts.read_bytes().splitlines())
    assert (told["erase"], told["merge"]) == (ERASED, MERGED)
    assert min(told[action] for action in ("acknowledge", "outcome", "snooze", "opt_out", "opt_in")) > 3, told
    assert len(expected.outcomes.read_bytes().splitlines()) > 3
    alerts = [orjson.loads(line) for line in expected.alerts.read_bytes().splitlines()]
    assert len({one["catalogue"] for one in alerts}) == 2
    assert any(one["ended_because"] == "merged" for one in alerts)
    check_feed_was_answered(alerts, expected)
    print(held, told)


def check_feed_was_answered(alerts: Sequence[dict[str, Any]], expected: Expected) -> None:
    """Its alert was put off, escalated, taken on and answered; what was said once it was over is refused."""
    told = [one for one in alerts if one["customer_id"] == "feed:login"]
    assert {one["status"] for one in told} == {"firing", "updated", "resolved"}
    assert any(one["snoozed_until"] for one in told)
    last = max(told, key=lambda one: one["revision"])
    assert (last["escalated_to"], last["acknowledged_by"], last["outcome"]) == ("Head of IT", "Ann", "false_alarm")
    receipts = [orjson.loads(line) for line in expected.receipts.read_bytes().splitlines()]
    found = {one["command_id"]: one["reason"] for one in receipts if one["customer_id"] == "feed:login"}
    assert found == dict.fromkeys(f"feed-{number}" for number in range(4)) | {"feed-4": "no_open_alert"}


def check_equal(deployment: Deployment, expected: Expected) -> None:
    findings, receipts = compare(deployment, expected), compare_receipts(deployment, expected)
    held, came = compare_suppressed(deployment, expected), compare_outcomes(deployment, expected)
    print(f"{findings}{receipts.out}{held.out}{came.out}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert (receipts.code, held.code, came.code) == (0, 0, 0), receipts.out + held.out + came.out
