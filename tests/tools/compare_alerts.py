r"""Compares what a topic holds with what `churn-signals replay` printed; knows nothing of the product.

  python tests/tools/compare_alerts.py --bootstrap 127.0.0.1:9092 --topic churn.alerts --expected alerts.jsonl
  python tests/tools/compare_alerts.py --bootstrap 127.0.0.1:9092 --topic churn.stages --expected stages.jsonl --stages
  python tests/tools/compare_alerts.py --bootstrap 127.0.0.1:9092 --topic churn.alerts.open --expected alerts.jsonl \
      --open
  python tests/tools/compare_alerts.py --found alerts-on-topic.jsonl --expected alerts.jsonl

An output is known by (alert_id, revision), a transition by id. It may be on the topic more than once (outputs are sent
at least once), but always in the same bytes. What an announcement says (revision 1, told on a day still open, without a
stage) may depend on the order of the day's events; everything else must have the expected bytes.

With --open the topic is a table: of each alert that is open its last revision, and nothing of those that are over.
Exit code 0: equal; 1: they differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

SHOWN = 5
"""Examples of each kind of difference that are printed in full."""

SHOWN_CHARACTERS = 300

IDLE_S = 30.0
"""How long the broker may say nothing before the end of the topic."""

STILL_OPEN = frozenset({"firing", "updated"})
"""Status of the last revision of an alert that is open."""

Identity = tuple[Any, ...]


def of_alert(value: bytes) -> Identity:
    """What identifies a revision."""
    alert = json.loads(value)
    return alert["alert_id"], alert["revision"]


def of_stage(value: bytes) -> Identity:
    """What identifies a transition."""
    return (json.loads(value)["id"],)


def of_receipt(value: bytes) -> Identity:
    """What identifies a receipt."""
    receipt = json.loads(value)
    return receipt["customer_id"], receipt["command_id"], receipt["effective_at"]


def of_suppressed(value: bytes) -> Identity:
    """What identifies a revision that was held."""
    return of_alert(json.dumps(json.loads(value)["alert"]).encode())


def of_outcome(value: bytes) -> Identity:
    """What identifies what came of an alert that was part of an experiment."""
    return (json.loads(value)["alert_id"],)


def is_announcement(value: bytes) -> bool:
    """Whether an alert was told at once, before the review of its day."""
    alert = json.loads(value)
    return alert.get("revision") == 1 and alert.get("stage", "") is None


def read_topic(bootstrap: str, topic: str) -> Iterator[Message]:
    """Every record of a topic up to its present end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "compare-alerts",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=15).topics[topic]
        if found.error is not None:
            raise SystemExit(f"{topic}: {found.error}")
        left = set(found.partitions)
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
        deadline = time.monotonic() + IDLE_S
        while left:
            if time.monotonic() > deadline:
                raise SystemExit(f"{topic}: no answer from partitions {sorted(left)}")
            for message in consumer.consume(1_000, 0.2):
                error = message.error()
                if error is None:
                    deadline = time.monotonic() + IDLE_S
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(int(message.partition() or 0))
                else:
                    raise SystemExit(f"{topic}: {error}")
    finally:
        consumer.close()


def text(value: bytes) -> str:
    """The beginning of a value, for people."""
    return value.decode()[:SHOWN_CHARACTERS]


def difference(found: bytes, expected: bytes) -> str:
    """The fields in which two values differ."""
    ours, theirs = json.loads(found), json.loads(expected)
    return "; ".join(
        f"{key}: found {ours.get(key)!r}, expected {theirs.get(key)!r}"[:SHOWN_CHARACTERS]
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    )


def compare(found: Iterator[bytes], expected: Iterator[bytes], identity: Callable[[bytes], Identity]) -> int:
    """Print how the two differ; returns the exit code."""
    wanted = {identity(line): line for line in expected}
    seen: dict[Identity, bytes] = {}
    records, conflicts = 0, []
    for value in found:
        records += 1
        if seen.setdefault(name := identity(value), value) != value:
            conflicts.append(f"{name}: {difference(value, seen[name])}")
    missing = [f"{name}: {text(wanted[name])}" for name in wanted.keys() - seen.keys()]
    unknown = [f"{name}: {text(seen[name])}" for name in seen.keys() - wanted.keys()]
    other, announced = [], 0
    for name in wanted.keys() & seen.keys():
        if wanted[name] != seen[name] and is_announcement(wanted[name]) and is_announcement(seen[name]):
            announced += 1
        elif wanted[name] != seen[name]:
            other.append(f"{name}: {difference(seen[name], wanted[name])}")
    kinds = {"missing": missing, "unknown": unknown, "conflicting repeats": conflicts, "of other content": other}
    summary = f"{len(wanted)} expected, {len(seen)} found in {records} records ({records - len(seen)} repeats)"
    note = f"{announced} announcements say something else than in the order of time" if announced else ""
    return report(summary, kinds, note)


def compare_table(found: Iterator[Message], expected: Iterator[bytes]) -> int:
    """Print how the open alerts differ from those that are open by the revisions; returns the exit code."""
    revisions: dict[str, bytes] = {}
    for line in expected:
        name, revision = of_alert(line)
        if name not in revisions or revision > of_alert(revisions[name])[1]:
            revisions[name] = line
    wanted = {name: line for name, line in revisions.items() if json.loads(line)["status"] in STILL_OPEN}
    table: dict[tuple[str, int], bytes] = {}
    records = 0
    for message in found:
        records += 1
        key, value = ((message.key() or b"").decode(errors="replace"), int(message.partition() or 0)), message.value()
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    lying = {name: value for (name, _), value in table.items()}
    twice = [name for name, count in Counter(name for name, _ in table).items() if count > 1]
    other = [
        f"{name}: {difference(lying[name], wanted[name])}"
        for name in wanted.keys() & lying.keys()
        if lying[name] != wanted[name] and not (is_announcement(lying[name]) and is_announcement(wanted[name]))
    ]
    return report(
        f"{len(wanted)} open, {len(lying)} found in {records} records",
        {
            "missing": [f"{name}: {text(wanted[name])}" for name in wanted.keys() - lying.keys()],
            "not open": [f"{name}: {text(lying[name])}" for name in lying.keys() - wanted.keys()],
            "on two partitions": twice,
            "of other content": other,
        },
    )


def report(summary: str, kinds: Mapping[str, Sequence[str]], note: str = "") -> int:
    """Print counts and some cases of each kind of difference; returns the exit code."""
    print(f"{summary}: " + ", ".join(f"{len(cases)} {kind}" for kind, cases in kinds.items()))
    if note:
        print(f"  {note}")
    for kind, cases in kinds.items():
        for case in sorted(cases)[:SHOWN]:
            print(f"  {kind}: {case}")
    return 1 if any(kinds.values()) else 0


def lines(path: str) -> Iterator[bytes]:
    """The lines of a file, without their ends."""
    with open(path, "rb") as file:  # noqa: PTH123 - a script that reads like one
        for line in file:
            yield line.rstrip(b"\n")


def main() -> int:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap")
    parser.add_argument("--topic")
    parser.add_argument("--found", help="the values of the topic, a line each, instead of --bootstrap and --topic")
    parser.add_argument(
        "--expected", required=True, help="the file that `replay --alerts`, `--stages` or `--receipts` wrote"
    )
    parser.add_argument("--stages", action="store_true", help="the topic holds transitions of the lifecycle")
    parser.add_argument("--receipts", action="store_true", help="the topic holds receipts of commands")
    parser.add_argument("--suppressed", action="store_true", help="the topic holds revisions that were not sent")
    parser.add_argument("--outcomes", action="store_true", help="the topic holds what came of experiments")
    parser.add_argument("--open", action="store_true", help="the topic is the table of open alerts")
    arguments = parser.parse_args()
    if (arguments.found is None) == (arguments.bootstrap is None or arguments.topic is None):
        parser.error("say either --found, or --bootstrap and --topic")
    expected = lines(arguments.expected)
    if arguments.open:
        if arguments.found:
            parser.error("--open needs --bootstrap and --topic")
        return compare_table(read_topic(arguments.bootstrap, arguments.topic), expected)
    messages = read_topic(arguments.bootstrap, arguments.topic)
    values = (value for message in messages if (value := message.value()) is not None)  # what is erased is none
    found = lines(arguments.found) if arguments.found else values
    kinds = {"receipts": of_receipt, "stages": of_stage, "suppressed": of_suppressed, "outcomes": of_outcome}
    identity = next((of for kind, of in kinds.items() if getattr(arguments, kind)), of_alert)
    return compare(found, expected, identity)


if __name__ == "__main__":
    sys.exit(main())
