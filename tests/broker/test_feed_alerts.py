"""What is said of a feed that is down comes to the partition that tells of it, from the command line or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from models.alerts.partitions import place_of_alert
from schemas.alert import AlertV1, decode_alert
from schemas.command import Command, decode_command_line, encode_command
from schemas.event import LOGIN, Event
from schemas.instant import from_rfc3339, to_rfc3339
from schemas.partitioner import partition_of
from schemas.receipt import decode_receipt
from streams.simulation.population import World, simulate
from streams.text.wording import written_date
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.posting import post
from support.program import run
from support.reading import read_topic
from support.waiting import wait_until
from support.workers import Deployment, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
BY_KEY: Final = partition_of(b"feed:login", PARTITIONS)
DOWN: Final = 1 - BY_KEY
"""The partition that hears no login for some days: not the one that the key of commands about it would choose."""
OFF, END, DAYS = 45, 48, 52
WORLD: Final = World(customers=600, days=DAYS, seed=5, start_ms=from_rfc3339("2025-03-01T00:00:00Z"))
CATALOGUE: Final = """\
base: default
model: off
outage: {chance: 0.01, weeks: 3}
owners: {Platform: {escalate_to: Head of IT}}
"""


def is_lost(event: Event) -> bool:
    is_off = event.feed == LOGIN and event.time_ms >= WORLD.start_ms + OFF * DAY_MS
    return is_off and partition_of(event.customer_id.encode(), PARTITIONS) == DOWN


def test_a_feeds_alert_is_answered_in_its_own_partition(broker: Broker, prefix: str, tmp_path: Path) -> None:
    (catalogue := tmp_path / "catalogue.yaml").write_text(CATALOGUE)
    end_ms = WORLD.start_ms + END * DAY_MS
    events = [one for one in simulate(WORLD)[0] if one.time_ms < end_ms and not is_lost(one)]
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=str(catalogue))
    with workers(deployment, "main-1") as (main,):
        post(deployment, merged(events))
        main.start()
        wait_for_lag_zero(deployment, [main])
        alert = alert_of_feed(deployment)
        assert place_of_alert(alert, PARTITIONS) == DOWN
        assert (alert.severity, alert.escalated_to) == ("critical", "Head of IT")
        check_screens(deployment, alert)
        check_command_line(deployment, alert)
        said = Command("by-key", "acknowledge", alert.customer_id, end_ms - DAY_MS, "crm", alert.alert_id)
        post_by_key(deployment, said)
        wait_for_lag_zero(deployment, [main])
        listed = run("dead-letters", "list", "--json", **deployment.settings)
        assert "wrong_partition" in listed.out
        assert f"this feed's alert is of {DOWN}: post it where the alert's own records lie" in listed.out
        again = run("dead-letters", "replay", "--reason", "wrong_partition", "--yes", **deployment.settings)
        assert (again.code, "posted 1 record again" in again.out) == (0, True), again
        assert run("tick", "--at", to_rfc3339(end_ms + DAY_MS), **deployment.settings).code == 0
        wait_until(lambda: alert_of_feed(deployment).acknowledged_by == "crm", 20, running=[main])
        assert main.terminate() == 0
    (letter,) = read_topic(deployment.broker.bootstrap, deployment.topics.receipts)
    receipt = decode_receipt(letter.value() or b"")
    assert (letter.partition(), receipt.command_id, receipt.status) == (DOWN, "by-key", "done")


def test_what_is_said_of_a_customer_lies_where_its_key_belongs_whatever_the_shell_thinks(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=4)
    others = {**deployment.settings, "partitions": "2"}
    customers = [f"c{number}" for number in range(8)]
    assert [run("opt-out", one, "--by", "Ann", **others).code for one in customers] == [0] * len(customers)
    letters = read_topic(deployment.broker.bootstrap, deployment.topics.commands)
    found = {(letter.key() or b"").decode(): int(letter.partition() or 0) for letter in letters}
    assert found == {one: partition_of(one.encode(), 4) for one in customers}
    assert max(found.values()) > 1


def check_screens(deployment: Deployment, alert: AlertV1) -> None:
    """Whoever looks whether all is well is told."""
    since = f"since {written_date(alert.starts_at, 'UTC')}: alerts of "
    doctor = run("doctor", **deployment.settings).out
    assert f"warning feeds: login is down in partition {DOWN} {since}" in doctor
    assert f"once for each of {alert.alert_id[:8]}" in doctor
    board = run("watch", "--once", "--json", "--metrics", "http://127.0.0.1:1/metrics", **deployment.settings)
    assert f"login is down in 1 partition {since}" in board.out


def post_by_key(deployment: Deployment, command: Command) -> None:
    """Post as a program does that knows of no feeds."""
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap, "partitioner": "murmur2_random"})
    key, value = command.customer_id.encode(), encode_command(command)
    producer.produce(deployment.topics.commands, value, key, timestamp=command.at_ms)
    assert producer.flush(10) == 0


def alert_of_feed(deployment: Deployment) -> AlertV1:
    listed = run("alerts", "--open", "--json", **deployment.settings)
    found = [decode_alert(line) for line in listed.out.encode().splitlines()]
    (alert,) = [one for one in found if one.is_of_feed]
    return alert


def check_command_line(deployment: Deployment, alert: AlertV1) -> None:
    """Whoever answers an alert by its id need not know where it lies; a feed is no customer."""
    where = deployment.settings
    told = run("ack", alert.alert_id, "--by", "Ann", **where)
    assert (told.code, "Ann takes on feed_outage of the login feed: posted" in told.out) == (0, True), told
    assert run("snooze", alert.alert_id, "--until", "7d", "--by", "Ann", **where).code == 0
    assert run("outcome", alert.alert_id[:12], "false_alarm", "--by", "Ann", **where).code == 0
    for command in ("opt-out", "opt-in"):
        refused = run(command, alert.customer_id, "--by", "Ann", **where)
        assert (refused.code, "no customer id" in refused.err) == (2, True), refused
    letters = read_topic(deployment.broker.bootstrap, deployment.topics.commands)
    said = [decode_command_line(letter.value()).action for letter in letters if letter.partition() == DOWN]
    assert (len(letters), sorted(said)) == (3, ["acknowledge", "outcome", "snooze"])
