"""What becomes of commands on a real broker equals what `replay --commands` prints, with kill -9 in between."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from schemas.alert import decode_alert
from schemas.command import encode_command
from support import sliced_worker
from support.answers import arrivals_of, arrives_ms, commands_about
from support.arrivals import merged
from support.broker import Broker
from support.crashes import Crashes
from support.histories import Size, history, write_history
from support.oracles import compare, compare_outcomes, compare_receipts, compare_suppressed, replay
from support.posting import post, posting
from support.program import run
from support.reading import read_topic
from support.workers import RULES_ONLY, deploy, wait_for_lag_zero, workers

PARTITIONS = 3
SOME = Size(4_000, 260, 150)
SEED = 5


def receipts_in(file: Path) -> Counter[tuple[str, str]]:
    """How many receipts there are, by action and status."""
    found = map(orjson.loads, file.read_bytes().splitlines())
    return Counter((one["action"], one["status"]) for one in found)


@pytest.mark.full("with all else: test_everything; alone")
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("is_live", [False, True], ids=["backlog", "live"])
def test_commands_on_a_broker_come_to_what_replay_says(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_live: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    events = history(SOME, SEED)
    file = write_history(events, tmp_path / "events.jsonl")
    (tmp_path / "without").mkdir()
    commands = commands_about(replay(file, tmp_path / "without", partitions=PARTITIONS, catalogue=RULES_ONLY), SEED)
    said = tmp_path / "commands.jsonl"
    said.write_bytes(b"".join(encode_command(one) + b"\n" for one in commands))
    expected = replay(file, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY, commands=said)
    rules = Counter(orjson.loads(line)["rule"] for line in expected.suppressed.read_bytes().splitlines())
    assert min(rules["opted_out"], rules["snoozed"]) > 20
    assert rules["capped"] > 0
    told = receipts_in(expected.receipts)
    assert min(told["acknowledge", "done"], told["outcome", "done"], told["outcome", "refused"]) > 20
    posted = sorted([*merged(events), *arrivals_of(commands)], key=lambda one: arrives_ms(one, is_live=is_live))
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY, commit_interval_s="0.1")
    with workers(deployment, "main-1", program=sliced_worker.PROGRAM) as mains:
        crashes = Crashes(deployment, mains, len(posted), random.Random(SEED))
        try:
            if not is_live:
                post(deployment, posted)
            mains[0].start()
            if is_live:
                with posting(deployment, posted, per_second=2_000):
                    crashes.kill(0.3)
                    crashes.kill_mid_boundary(0.6)
            else:
                crashes.kill_mid_boundary(0.4)
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, mains, within_s=240, is_after_kills=True)
        assert mains[0].terminate() == 0
    findings, receipts = compare(deployment, expected), compare_receipts(deployment, expected)
    held, came = compare_suppressed(deployment, expected), compare_outcomes(deployment, expected)
    print(f"\n{len(commands)} commands, {crashes.report}\n{findings}{receipts.out}{held.out}{came.out}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert receipts.code == 0, receipts.out
    assert held.code == 0, held.out
    assert came.code == 0, came.out
    assert rules["held_out"] > 0
    assert {orjson.loads(line)["arm"] for line in expected.outcomes.read_bytes().splitlines()} == {"treated", "holdout"}
    assert all(kill.redelivered for kill in crashes.report.kills)


def test_a_person_takes_an_alert_on_and_is_told_what_became_of_it(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The command line, from a list of open alerts to the receipt; and every way to be wrong."""
    deployment = deploy(broker, prefix, tmp_path, partitions=2, catalogue=RULES_ONLY)
    where = deployment.settings
    events = history(Size(600, 40, 90), SEED)
    post(deployment, merged(events))
    with workers(deployment, "main-1") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        listed = run("alerts", "--open", "--json", **where)
        alert = decode_alert(listed.out.encode().splitlines()[0])
        assert f"id: {alert.alert_id}" in run("alerts", "--open", "--all", "--explain", **where).out
        nobody = run("ack", alert.alert_id, **where)
        assert (nobody.code, "CHURN_USER" in nobody.err) == (2, True)
        strange = run("ack", "0" * 32, "--by", "Ann", **where)
        assert (strange.code, "no alert of this id is open" in strange.err) == (2, True)
        short = run("outcome", "abc", "kept", "--by", "Ann", **where)
        assert (short.code, "32 hexadecimal digits" in short.err) == (2, True)
        early = run("ack", alert.alert_id[:20], "--by", "Ann", "--wait", "0.2", **where)
        assert (early.code, "no receipt within" in early.err) == (1, True), early.err
        assert "takes effect at midnight" in early.out
        said = run("outcome", alert.alert_id, "false_alarm", "--note-id", "n-1", "--json", user="Bob", **where)
        later = run("snooze", alert.alert_id, "--until", "7d", "--by", "Ann", **where)
        assert (later.code, "snoozes" in later.out) == (0, True), later.err
        over = run("snooze", alert.alert_id, "--until", "2020-01-01T00:00:00Z", "--by", "Ann", **where)
        assert (over.code, "is over" in over.err) == (2, True)
        assert run("opt-out", alert.customer_id, "--by", "Ann", **where).code == 0
        assert run("opt-in", alert.customer_id, "--by", "Ann", **where).code == 0
        odd = run("opt-out", "no one", "--by", "Ann", **where)
        assert (odd.code, "no customer id" in odd.err) == (2, True)
        command = orjson.loads(said.out)
        assert (command["by"], command["outcome"], command["alert_id"]) == ("Bob", "false_alarm", alert.alert_id)
    letters = read_topic(broker.bootstrap, deployment.topics.commands)
    assert len(letters) == 5
    assert all(int(time.time() * 1000) - 60_000 < letter.timestamp()[1] for letter in letters)
