"""Digests made on a real broker equal those of `replay --digests`, with kill -9 of the dispatcher and of a worker."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.command import encode_command
from schemas.digest import DigestV1
from support import sliced_worker
from support.answers import arrivals_of, arrives_ms, commands_about
from support.arrivals import Arrival, merged
from support.broker import Broker
from support.crashes import Crashes
from support.dispatching import on_topic, place, replayed_digests, wait_until_sent
from support.histories import Size, history, write_history
from support.oracles import replay
from support.posting import post
from support.program import command
from support.workers import deploy, wait_for_lag_zero, workers

PARTITIONS = 3
SOME = Size(4_000, 260, 150)
SEED = 8
CATALOGUE = """\
base: default
model: off
owners:
  Onboarding: {escalate_to: Head of Customer Success, people: 1, alerts_a_day: 2}
  Retention: {escalate_to: Head of Retention, people: 2, alerts_a_day: 1}
"""


class Plan(NamedTuple):
    """What is posted, by which catalogue it is judged, and the digests that replay makes of it."""

    catalogue: str
    posted: list[Arrival]
    expected: dict[tuple[str, str], DigestV1]


def planned(folder: Path) -> Plan:
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    events = history(SOME, SEED)
    file = write_history(events, folder / "events.jsonl")
    (folder / "without").mkdir()
    commands = commands_about(replay(file, folder / "without", partitions=PARTITIONS, catalogue=str(catalogue)), SEED)
    said, made = folder / "commands.jsonl", folder / "digests.jsonl"
    said.write_bytes(b"".join(encode_command(one) + b"\n" for one in commands))
    expected = replayed_digests(file, made, "--commands", str(said), catalogue=str(catalogue))
    posted = sorted([*merged(events), *arrivals_of(commands)], key=lambda one: arrives_ms(one, is_live=False))
    return Plan(str(catalogue), posted, expected)


def has_more(than: int, sent: list[DigestV1]) -> bool:
    return len(sent) > than


@pytest.mark.full("with all else: test_everything; alone")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_digests_on_a_broker_come_to_what_replay_says(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> None:
    catalogue, posted, expected = planned(tmp_path)
    assert {one.became for digest in expected.values() for one in digest.became} >= {"ended", "acknowledged", "snoozed"}
    assert any(digest.waiting for digest in expected.values())
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=catalogue, commit_interval_s="0.1")
    newest = max(at for _, at in expected)
    with (
        workers(deployment, "main-1", program=sliced_worker.PROGRAM) as mains,
        workers(deployment, "dispatcher", is_static=False, program=command("dispatcher")) as (dispatcher,),
    ):
        crashes = Crashes(deployment, mains, len(posted), random.Random(SEED))
        try:
            post(deployment, posted)
            mains[0].start()
            dispatcher.start()
            crashes.kill_mid_boundary(0.3)
            for share in (0.1, 0.3, 0.6):
                wait_until_sent(dispatcher, partial(has_more, round(share * len(expected))))
                dispatcher.kill_9()
                dispatcher.start()
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, mains, within_s=240, is_after_kills=True)
        wait_until_sent(dispatcher, lambda sent: any(one.at == newest for one in sent))
        wait_until_sent(dispatcher, lambda sent: {*map(place, sent)} >= expected.keys())
        assert mains[0].terminate() == 0
        assert dispatcher.terminate() == 0
    found = on_topic(deployment)
    assert all(one == expected.get(place(one)) for one in found)
    assert {place(one) for one in found} == expected.keys()
    repeated = sum(count - 1 for count in Counter(map(place, found)).values())
    print(f"\n{len(expected)} digests of {len({owner for owner, _ in expected})} owners, {repeated} sent twice")
