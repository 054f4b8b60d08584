"""Who is erased amid traffic, with kill -9 in between, is to be found nowhere once the topics are compacted."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import pytest
from confluent_kafka import Message, Producer
from msgspec.structs import replace

from models.calendar import Calendar
from models.engine.ledger import COMMANDS
from models.engine.replay import canonical_states
from schemas.alert import decode_alert
from schemas.command import Command, encode_command
from schemas.epoch import payload_of
from schemas.event import Event
from schemas.partitioner import partition_of
from schemas.reviewed import ReviewedV1, decode_told
from streams.agents.dispatcher import DONE_KEY
from streams.files.catalogue_file import load_rules
from streams.kafka.log_reader import headers_of
from streams.readback.state import read_partitions
from streams.settings import load_settings
from streams.transport.snapshots.chunks import unpack
from streams.transport.snapshots.records import Manifest, from_key, from_value
from support import sliced_worker
from support.arrivals import Arrival, merged
from support.broker import Broker, set_config
from support.builders import DAY_MS, login
from support.crashes import Crashes
from support.histories import START_MS, Size, history, write_history
from support.oracles import (
    Expected,
    compare,
    compare_outcomes,
    compare_receipts,
    compare_suppressed,
    of_others,
    replay,
)
from support.posting import post, posting
from support.program import command, environment, run
from support.reading import read_compacted
from support.spoken import spoken_of
from support.waiting import wait_until
from support.workers import WITH_MODEL, Deployment, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 3
SIZES: Final = {False: (Size(3_000, 200, 150), 12), True: (Size(120_000, 10_000, 180), 1_000)}
"""How much history, and how many are erased; by whether the run is of full size."""
LATER: Final = 50
"""Events of each erased customer behind that."""
SEED: Final = 7
SALT: Final = "pepper"
AFTER_DAYS: Final = 80
COMPACTED_NOW: Final = {
    "segment_ms": "100",
    "min_cleanable_dirty_ratio": "0.001",
    "delete_retention_ms": "0",
    "min_compaction_lag_ms": "0",
    "max_compaction_lag_ms": "1000",
}
"""What a topic is after some days, here after some seconds."""
VANISHED_WITHIN_S: Final = 120.0


def named(event: Event) -> Event:
    """The same with ids that nothing else looks like."""
    name = f"who.{event.customer_id[1:]}@"
    return replace(event, customer_id=name, id=event.id.replace(event.customer_id, name))


def later_events(customers: Sequence[str], dice: random.Random) -> list[Event]:
    """Logins behind the erasure, on its day and for a month."""
    first_ms = START_MS + (AFTER_DAYS + 1) * DAY_MS
    return [
        login(customer, first_ms + dice.randrange(30 * DAY_MS), id=f"{customer}-later-{number}")
        for customer in customers
        for number in range(LATER)
    ]


def erasures(customers: Sequence[str], dice: random.Random) -> list[Command]:
    """On one day, and some a second time."""
    at_ms = START_MS + AFTER_DAYS * DAY_MS
    said = [
        Command(f"erase-{place}", "erase", one, at_ms + dice.randrange(DAY_MS), "Ann")
        for place, one in enumerate(customers)
    ]
    return said + [replace(one, id=f"{one.id}-again", at_ms=one.at_ms + 9 * DAY_MS) for one in said[::3]]


def arrives_ms(one: Arrival) -> int:
    """Half a year goes by in seconds: a command is posted two of its days, some milliseconds, ahead."""
    return one.time_ms - (2 * DAY_MS if one.feed == COMMANDS else 0)


def bad_records(customers: Sequence[str]) -> list[Arrival]:
    """What nobody can take in, of who is erased: with the id in the key, or in the value alone."""
    last_ms = START_MS + 150 * DAY_MS
    no_login = b'{"customer_id":"%b","id":'
    return [
        Arrival(1, key, no_login % one.encode(), last_ms)
        for one in customers
        for key in (one.encode(), b"somebody-else")
    ]


@dataclass(frozen=True)
class Plan:
    """What is posted, who is erased, and what replay says of all others."""

    events: list[Event]
    commands: list[Command]
    gone: list[str]
    expected: Expected

    @property
    def posted(self) -> list[Arrival]:
        said = [Arrival(COMMANDS, one.customer_id.encode(), encode_command(one), one.at_ms) for one in self.commands]
        return sorted([*merged(self.events), *said], key=arrives_ms)


def plan(folder: Path, size: Size, count: int) -> Plan:
    dice = random.Random(SEED)
    events = [named(event) for event in history(size, SEED)]
    gone = dice.sample(sorted({one.customer_id for one in events if one.time_ms < START_MS + 70 * DAY_MS}), count)
    events = sorted([*events, *later_events(gone, dice)], key=lambda one: (one.time_ms, one.feed))
    file = write_history(events, folder / "events.jsonl")
    (folder / "without").mkdir()
    told = replay(file, folder / "without", partitions=PARTITIONS, catalogue=WITH_MODEL, erasure_salt=SALT)
    alerts = [decode_alert(line) for line in told.alerts.read_bytes().splitlines()]
    alerts.sort(key=lambda one: (one.alert_id, one.revision))
    spoken = [one for one in spoken_of(alerts[::5], [], dice) if isinstance(one, Command)]
    commands = [*{(one.customer_id, one.id): one for one in spoken}.values(), *erasures(gone, dice)]
    said = folder / "commands.jsonl"
    said.write_bytes(b"".join(encode_command(one) + b"\n" for one in commands))
    expected = replay(file, folder, partitions=PARTITIONS, commands=said, catalogue=WITH_MODEL, erasure_salt=SALT)
    return Plan(events, commands, gone, of_others(expected, gone))


# -- looking for them


def texts_of(message: Message) -> Iterator[bytes]:
    yield message.key() or b""
    yield message.value() or b""
    for name, content in headers_of(message):
        yield name.encode() + b"=" + (content or b"")


def snapshots_in(messages: Sequence[Message]) -> list[bytes]:
    """Every snapshot that lies in a changelog, whole."""
    records = {(m.partition(), from_key(m.key() or b"")): m.value() or b"" for m in messages}
    found = []
    for (partition, key), value in records.items():
        if key is not None and key.kind == "manifest" and value:
            manifest = from_value(Manifest, value)
            pieces = [
                records[partition, key._replace(kind="chunk", number=number)] for number in range(manifest.chunks)
            ]
            found.append(bytes(unpack(pieces, manifest.size)))
    chunks = {(p, k.epoch, k.generation) for (p, k), v in records.items() if k and k.kind == "chunk" and v}
    assert len(chunks) == len(found), "no piece of a snapshot is left behind"
    return found


def where_found(deployment: Deployment, customers: Sequence[str], among: Iterable[str]) -> dict[str, str]:
    """On which of some topics one of them is named, and who."""
    wanted = re.compile(b"|".join(re.escape(one.encode()) for one in customers))
    topics, bootstrap = deployment.topics, deployment.broker.bootstrap
    found = {}
    for topic in among:
        messages = read_compacted(bootstrap, topic)
        texts = snapshots_in(messages) if topic == topics.changelog else [t for m in messages for t in texts_of(m)]
        named_here = {hit for text in texts for hit in wanted.findall(text)}
        if named_here:
            found[topic] = f"{len(named_here)} of them, such as {min(named_here)!r}"
    return found


def outputs_of(deployment: Deployment) -> list[str]:
    """All topics but those that the company posts itself."""
    known, topics = deployment.broker.admin().list_topics(timeout=10).topics, deployment.topics
    return sorted(name for name in known if name.startswith(deployment.prefix) and name not in topics.inputs)


def compact(deployment: Deployment) -> None:
    """Let the broker do at once what it does in some days: no segment is written to, and all are compacted."""
    for topic in outputs_of(deployment):
        set_config(deployment.broker, topic, **COMPACTED_NOW)


def roll(deployment: Deployment) -> None:
    """Have each partition begin another segment."""
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap})
    known = deployment.broker.admin().list_topics(timeout=10).topics
    for topic in outputs_of(deployment):
        for partition in known[topic].partitions:
            producer.produce(topic, None, b"rolls the segment", partition)
    assert producer.flush(20) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_who_is_erased_is_found_nowhere_and_all_others_are_told_of_as_replay_says(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    own = plan(tmp_path, *SIZES[is_full])
    deployment = deploy(
        broker,
        prefix,
        tmp_path,
        partitions=PARTITIONS,
        catalogue=WITH_MODEL,
        erasure_salt=SALT,
        commit_interval_s="0.1",
    )
    bad = [one for one in bad_records(own.gone) if belongs(one, own.gone)]
    with (
        workers(deployment, "main-1", program=sliced_worker.PROGRAM) as (main,),
        workers(deployment, "dispatcher", is_static=False, program=command("dispatcher")) as (dispatcher,),
    ):
        crashes = Crashes(deployment, [main], len(own.posted), random.Random(SEED))
        try:
            main.start()
            dispatcher.start()
            with posting(deployment, own.posted, per_second=2_000):
                crashes.kill(0.5)
                crashes.kill_mid_boundary(0.65)
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, [main], within_s=240, is_after_kills=True)
        post(deployment, bad, tells_ends=False)
        wait_for_lag_zero(deployment, [main], within_s=60, is_after_kills=True)
        wait_until_swept(main)
        wait_until_listed(dispatcher)
        assert (main.terminate(), dispatcher.terminate()) == (0, 0)
    print(f"\n{len(own.commands)} commands, {crashes.report}")
    assert len(crashes.report.kills) == 2
    compact(deployment)
    deadline = time.monotonic() + VANISHED_WITHIN_S
    found = where_found(deployment, own.gone, outputs_of(deployment))
    while found:
        assert time.monotonic() < deadline, found
        roll(deployment)
        time.sleep(1)
        found = where_found(deployment, own.gone, found)
    assert not where_found(deployment, own.gone, outputs_of(deployment))
    logs = b"".join(log.read_bytes() for log in tmp_path.glob("*.log"))
    assert not [one for one in own.gone if one.encode() in logs]
    assert_counted(deployment, own, len(bad))
    assert_others_are_told_of(deployment, own)
    unknown = run("customer", own.gone[0], **deployment.settings)
    assert (unknown.code, "was erased" in unknown.err) == (1, True), unknown.err


def assert_counted(deployment: Deployment, own: Plan, bad: int) -> None:
    """Every record has its fate, and what came of who was erased is counted as that."""
    settings = load_settings(environment(deployment.settings))
    partitions = read_partitions(settings, load_rules(settings)).values()
    counts = [feed for one in partitions for feed in one.ledger.counts]
    first_ms = START_MS + (AFTER_DAYS + 1) * DAY_MS
    behind = [one for one in own.events if one.customer_id in own.gone and one.time_ms >= first_ms]
    assert sum(sum(feed.values()) for feed in counts) == len(own.events) + bad
    assert sum(feed["erased"] for feed in counts) == len(behind) + bad
    assert len(behind) >= LATER * len(own.gone)
    assert sum(feed["dead_lettered"] for feed in counts) == 0
    assert sum(len(one.customers.erased.since) for one in partitions) == len(own.gone)
    known = {state["customer_id"] for one in partitions for state in canonical_states(one)}
    assert known == {one.customer_id for one in own.events} - {*own.gone}


def assert_others_are_told_of(deployment: Deployment, own: Plan) -> None:
    """As replay says; and each erasure has its receipt."""
    findings, receipts = compare(deployment, own.expected), compare_receipts(deployment, own.expected)
    held, came = compare_suppressed(deployment, own.expected), compare_outcomes(deployment, own.expected)
    print(f"{findings}{receipts.out}{held.out}{came.out}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert (receipts.code, held.code, came.code) == (0, 0, 0), receipts.out + held.out + came.out
    told = [one for line in own.expected.receipts.read_bytes().splitlines() if (one := orjson.loads(line))]
    asked = [one for one in own.commands if one.action == "erase"]
    assert Counter(one["status"] for one in told if one["action"] == "erase") == {"done": len(asked)}
    assert "erased" in {one["reason"] for one in told}


def belongs(one: Arrival, customers: Sequence[str]) -> bool:
    """Whether the partition of its key is that of whom it is about, who is on the block-list there."""
    about = next(customer for customer in customers if customer.encode() in one.value)
    return partition_of(one.key, PARTITIONS) == partition_of(about.encode(), PARTITIONS)


def wait_until_swept(worker: Worker) -> None:
    """Wait until each partition was swept and has written two snapshots behind that."""
    wait_until(lambda: all(saved >= 2 for saved in saved_since_swept(worker.log())), 90, running=[worker])


def wait_until_listed(dispatcher: Worker) -> None:
    """Wait until the newest digests are of the last boundary that all partitions have reached."""
    deployment = dispatcher.deployment
    wait_until(
        lambda: (newest := newest_of(deployment)) is not None and reviewed_of(deployment) == newest,
        90,
        running=[dispatcher],
        every_s=0.5,
    )


def newest_of(deployment: Deployment) -> str | None:
    """Up to which boundary the dispatcher has come: see what it keeps."""
    messages = read_compacted(deployment.broker.bootstrap, deployment.topics.lists)
    done = [message.value() or b"" for message in messages if message.key() == DONE_KEY]
    return None if not done else Calendar().text_of(orjson.loads(payload_of(done[-1]))[0])


def reviewed_of(deployment: Deployment) -> str:
    """The last boundary that all partitions have reached."""
    reached: dict[int, str] = {}
    for message in read_compacted(deployment.broker.bootstrap, deployment.topics.attention):
        if (value := message.value()) is not None and isinstance(told := decode_told(value), ReviewedV1):
            reached[told.partition] = max(told.boundary, reached.get(told.partition, ""))
    return min(reached.values())


def saved_since_swept(log: str) -> list[int]:
    """By partition, snapshots behind the first sweep; -1 before it."""
    found = [-1] * PARTITIONS
    for line in log.splitlines():
        if swept := re.search(r"partition (\d+): \d+ records of erased customers vanish", line):
            found[int(swept[1])] = max(found[int(swept[1])], 0)
        elif (saved := re.search(r"partition (\d+) saved as of", line)) and found[int(saved[1])] >= 0:
            found[int(saved[1])] += 1
    return found
