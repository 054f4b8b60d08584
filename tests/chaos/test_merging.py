"""Customers who are merged amid traffic, with kill -9 in between, are those who had one id from the start."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from msgspec.structs import replace

from models.engine.ledger import total_counts
from schemas.command import Command, encode_command
from schemas.event import FEEDS, Event
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions
from streams.settings import load_settings
from support import sliced_worker
from support.announced import moved_away, post_merges, wait_until_announced, wait_until_judged
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.crashes import Crashes
from support.histories import START_MS, Size, history, write_history
from support.merges import merge
from support.oracles import compare, compare_receipts, replay
from support.posting import posting
from support.program import environment, run
from support.workers import RULES_ONLY, Deployment, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 4
SIZES: Final = {False: (Size(3_000, 220, 150), 40), True: (Size(120_000, 10_000, 180), 500)}
"""How much history, and how many are merged; by whether the run is of full size."""
SEED: Final = 11
SAME: Final = ("stage", "do_not_contact")
"""What is decided of a customer whose events came under two ids as if they had come under one."""


def split(events: list[Event], count: int, dice: random.Random) -> tuple[list[Event], list[Command]]:
    """The same history, in which some customers go by another id now and then; and who that is, said amid it."""
    often = sorted(who for who, number in Counter(one.customer_id for one in events).items() if number >= 4)
    chosen = set(dice.sample(often, count))
    said = [
        merge(f"alias.{who}", who, START_MS + dice.randrange(30, 110) * DAY_MS + dice.randrange(DAY_MS), f"m-{who}")
        for who in sorted(chosen)
    ]
    under_two = [
        replace(one, customer_id=f"alias.{one.customer_id}")
        if one.customer_id in chosen and dice.random() < 0.5
        else one
        for one in events
    ]
    return under_two, said


def states_in(file: Path) -> Iterator[dict[str, Any]]:
    return map(orjson.loads, file.read_bytes().splitlines())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_who_is_merged_amid_kills_is_as_if_the_events_had_borne_one_id(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    size, count = SIZES[is_full]
    dice = random.Random(SEED)
    under_one = history(size, SEED)
    events, said = split(under_one, count, dice)
    file, spoken = write_history(events, tmp_path / "events.jsonl"), tmp_path / "commands.jsonl"
    spoken.write_bytes(b"".join(encode_command(one) + b"\n" for one in said))
    expected = replay(file, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY, commands=spoken)
    (tmp_path / "one").mkdir()
    file = write_history(under_one, tmp_path / "one.jsonl")
    truth = replay(file, tmp_path / "one", partitions=PARTITIONS, catalogue=RULES_ONLY)
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY, commit_interval_s="0.1")
    post_merges(deployment, said, START_MS)
    with workers(deployment, "main-1", "main-2", program=sliced_worker.PROGRAM) as mains:
        crashes = Crashes(deployment, mains, len(events), random.Random(SEED))
        try:
            for worker in mains:
                worker.start()
            wait_until_announced(deployment, said)
            with posting(deployment, merged(events), per_second=20_000 if is_full else 2_000):
                crashes.kill(0.35)
                crashes.kill_mid_boundary(0.6)
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, mains, within_s=400, is_after_kills=True)
        wait_until_judged(mains, expected)
        assert [worker.terminate() for worker in mains] == [0, 0]
    print(f"\n{len(said)} merges, {moved_away(deployment, said)} to another partition, {crashes.report}")
    findings, receipts = compare(deployment, expected), compare_receipts(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert receipts.code == 0, receipts.out
    told = [orjson.loads(line) for line in expected.receipts.read_bytes().splitlines()]
    assert Counter((one["action"], one["status"]) for one in told) == {("merge", "done"): count}
    assert_as_one(deployment, truth.states)
    assert_counted(deployment, len(events))
    (alias, *_) = said
    page = run("customer", alias.customer_id, **deployment.settings)
    assert (page.code, f"is an alias of {alias.into}" in page.err) == (1, True), page.err


def assert_as_one(deployment: Deployment, truth: Path) -> None:
    """What the workers know is what is known of events that bore one id from the start; nothing of aliases is left."""
    found = {one["customer_id"]: one for one in states_in(deployment.folder / "found-states.jsonl")}
    wanted = {one["customer_id"]: one for one in states_in(truth)}
    assert found.keys() == wanted.keys()
    for who, one in wanted.items():
        assert found[who]["facts"] == one["facts"], who
        assert [found[who]["verdict"][name] for name in SAME] == [one["verdict"][name] for name in SAME], who


def assert_counted(deployment: Deployment, posted: int) -> None:
    """Every event has its fate; what was moved was taken in once elsewhere."""
    settings = load_settings(environment(deployment.settings))
    partitions = read_partitions(settings, load_rules(settings)).values()
    counts = total_counts(one.ledger for one in partitions)
    assert sum(sum(counts[feed].values()) for feed in FEEDS) == posted
    assert sum(counts[feed]["moved"] for feed in FEEDS) > 0
    assert counts["moved"]["dead_lettered"] == 0
    taken = counts["moved"]["applied"] + counts["moved"]["duplicate"]
    assert taken >= sum(counts[feed]["moved"] for feed in FEEDS) // 2  # within a partition they need no record
