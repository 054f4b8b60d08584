"""Bad records are set aside byte for byte with the right reason, and a source that is all bad stops the worker.

Every distinct offset has exactly one outcome, crashes or not: the partition records are compared with a ledger of what
was posted. With `--full` 50,000 events instead of 6,000.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from models.engine.ledger import OUTCOMES, REJECTIONS_IN_A_ROW
from schemas.event import FEEDS, LOGIN, PURCHASE, Event
from schemas.partitioner import partition_of
from streams.text.wording import counted
from support.broker import Broker, delete_topics
from support.builders import DAY_MS, NOON_MS, login, purchase
from support.corpus import poison, poison_kinds
from support.histories import SMALL, history, write_history
from support.ledger import Draft, Ledger, draft
from support.letters import check_letters
from support.oracles import compare, replay
from support.pages import told_at_the_end, total, wait_until_ready
from support.posting import tell_ends
from support.program import run
from support.recorded import outcomes_of, partitions_of, totals_of
from support.workers import RULES_ONLY, Deployment, Positions, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
BAD_SHARE: Final = 0.01
JUDGED: Final = 12
"""Records each that only the worker can refuse: on a wrong partition, or with an id that was used for other content."""
KILLS: Final = 3
EXIT_WITHIN_S: Final = 40.0


def poisoned(events: list[Event], dice: random.Random) -> tuple[list[Draft], list[Event]]:
    """The events with bad records among them, and those events that lie on a wrong partition (all of the last days)."""
    drafts: list[Draft] = []
    recent = [event for event in events if event.feed == LOGIN and event.time_ms > events[-1].time_ms - 5 * DAY_MS]
    misplaced = {event.id for event in dice.sample(recent, JUDGED)}
    conflicts = {event.id for event in dice.sample([e for e in events if e.feed == PURCHASE], JUDGED)}
    bad = 0
    for number, event in enumerate(events):
        if event.id in misplaced:
            wrong = (partition_of(event.customer_id.encode(), PARTITIONS) + 1) % PARTITIONS
            drafts.append(draft(event, partition=wrong, refused_for="wrong_partition"))
            continue
        drafts.append(draft(event))
        if event.id in conflicts:
            other = purchase(event.customer_id, event.time_ms, 123.45, id=event.id, currency="USD")
            drafts.append(draft(other, refused_for="id_conflict"))
        if number % round(1 / BAD_SHARE) == 0:
            one = poison(event.feed, event.customer_id, bad)
            drafts.append(Draft(event.feed, one.key, one.value, event.time_ms, one.headers, one.reason))
            bad += 1
    return drafts, [event for event in events if event.id in misplaced]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_bad_record_is_set_aside_and_every_offset_is_counted_over_three_kills(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    events = history(SMALL[is_full])
    drafts, misplaced = poisoned(events, random.Random(4))
    ledger = Ledger(deployment)
    assert min(map(poison_kinds, range(len(FEEDS)))) >= 30
    with workers(deployment, "main") as (main,):
        for part in range(KILLS + 1):
            ledger.post(drafts[part * len(drafts) // (KILLS + 1) : (part + 1) * len(drafts) // (KILLS + 1)])
            main.start()
            if part < KILLS:
                kill_at_work(main)
        tell_ends(deployment, [event for event in events if event not in misplaced])
        wait_for_lag_zero(deployment, [main])
        assert len(ledger.refused) >= BAD_SHARE * len(events) + 2 * JUDGED
        check_counts(deployment, ledger, applied=len(events) - len(misplaced))
        repeats = check_letters(deployment, deployment.topics.dead_letters, ledger.refused)
        check_listing(deployment, ledger)
        good = write_history([event for event in events if event not in misplaced], tmp_path / "good.jsonl")
        findings = compare(deployment, replay(good, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY))
        assert findings.codes == (0, 0, 0, 0), str(findings)
        print(f"\n{len(drafts)} records, {len(ledger.refused)} refused, {KILLS} kills, {repeats} repeats")

        # Mended: the producer's partitioner is right now, so the same records find their partition.
        done = run("dead-letters", "replay", "--reason", "wrong_partition", "--yes", **deployment.settings)
        assert done.code == 0, done.err
        assert f"posted {counted(len(misplaced), 'record')} again" in done.out
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
    counts = totals_of(deployment)
    assert counts["applied"] + counts["applied_late"] == len(events)
    assert counts["dead_lettered"] == len(ledger.refused), "nothing was refused again"


def kill_at_work(worker: Worker) -> None:
    """Kill -9 as soon as the worker has processed records since its start: their offsets are hardly committed yet."""
    address = wait_until_ready(worker)
    while not total(address, "churn_events_total"):
        time.sleep(0.002)
    worker.kill_9()


def check_counts(deployment: Deployment, ledger: Ledger, *, applied: int) -> None:
    """Each distinct offset has exactly one outcome, and the right one."""
    outcomes = outcomes_of(deployment)
    assert {topic: sum(counts.values()) for topic, counts in outcomes.items()} == ledger.per_topic
    refused = Counter(topic for topic, _, _ in ledger.refused)
    assert {topic: counts["dead_lettered"] for topic, counts in outcomes.items()} == dict(refused)
    assert totals_of(deployment) == {
        "applied": applied,
        "applied_late": 0,
        "erased": 0,
        "moved": 0,
        "duplicate": 0,
        "late": 0,
        "dead_lettered": len(ledger.refused),
    }
    reasons = Counter[str]()
    for state in partitions_of(deployment).values():
        reasons.update(state.ledger.reasons)
    assert reasons == Counter(one.refused_for for one in ledger.refused.values())


def check_listing(deployment: Deployment, ledger: Ledger) -> None:
    """The command shows them."""
    shown = run("dead-letters", "list", "--limit", "3", **deployment.settings)
    assert shown.code == 0, shown.err
    for reason in {one.refused_for for one in ledger.refused.values()}:
        assert reason in shown.out.replace(",", " ").split()


def test_a_topic_that_is_all_bad_stops_the_worker_until_an_operator_lets_it_pass(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    good = [draft(login("c1", NOON_MS + number * 1_000)) for number in range(100)]
    after_ms = NOON_MS + DAY_MS
    bad = [Draft(LOGIN, b"c1", b"<xml/>", after_ms + number, [], "not_json") for number in range(3_000)]
    ledger = Ledger(deployment)
    ledger.post(good + bad)
    place = (deployment.topics.event(LOGIN), partition_of(b"c1", PARTITIONS))
    limit = len(good) + REJECTIONS_IN_A_ROW
    stops_at_the_limit_again_and_again(deployment, place, limit)

    lenient = replace(deployment, more={"dead_letter_limit": "off"})
    with workers(lenient, "main") as (passing,):
        passing.start()
        wait_for_lag_zero(lenient, [passing])
        assert passing.terminate() == 0
    check_letters(deployment, deployment.topics.dead_letters, ledger.refused)
    assert outcomes_of(deployment)[place[0]] == dict.fromkeys(OUTCOMES, 0) | {
        "applied": len(good),
        "dead_lettered": len(bad),
    }

    # What passed knowingly is not held against what comes after.
    ledger.post([draft(login("c1", after_ms + DAY_MS)), replace(bad[0], at_ms=after_ms + DAY_MS)])
    wait_until_read(deployment)

    # Nor does it stop whoever reads all again: another version of the application, or one that lost its changelog.
    second = replace(deployment, more={"app_version": "2"})
    for rebuilt in (second, deployment):
        if rebuilt is deployment:
            delete_topics(broker, deployment.topics.changelog)
        assert run("topics", "create", **rebuilt.settings).code == 0
        wait_until_read(rebuilt, is_killed=True)
        counts = outcomes_of(rebuilt)[place[0]]
        assert (counts["applied"], counts["dead_lettered"]) == (len(good) + 1, len(bad) + 1)
    check_letters(deployment, deployment.topics.dead_letters, ledger.refused)

    # It does stop it at what comes after.
    ledger.post([replace(one, at_ms=after_ms + 2 * DAY_MS) for one in bad])
    with workers(deployment, "main") as (main,):
        main.start()
        assert told_at_the_end(main, "churn_stopped_at_dead_letter_limit", EXIT_WITHIN_S) == (3, 1), main.log_tail()


def stops_at_the_limit_again_and_again(deployment: Deployment, place: tuple[str, int], limit: int) -> None:
    """A restart stops at the same place, and says the same."""
    positions, said = Positions(deployment), []
    with workers(deployment, "main") as (main,):
        for _ in range(2):
            main.start()
            assert told_at_the_end(main, "churn_stopped_at_dead_letter_limit", EXIT_WITHIN_S) == (3, 1), main.log_tail()
            assert positions.committed()[place] <= limit
            said.append(next(text for text in main.log_tail().splitlines()[::-1] if "dead-letter limit" in text))
    assert f"{place[0]} partition {place[1]} offset {limit}: 1001 records refused in a row" in said[0]
    assert "Next: mend the producer" in said[0]
    assert "CHURN_DEAD_LETTER_LIMIT=off" in said[0]
    assert said[1].partition("dead-letter limit")[2] == said[0].partition("dead-letter limit")[2]


def wait_until_read(deployment: Deployment, *, is_killed: bool = False) -> None:
    """A worker comes, reads everything and leaves; or is killed at work before and comes again."""
    with workers(deployment, "main") as (main,):
        main.start()
        if is_killed:
            kill_at_work(main)
            main.start()
        wait_for_lag_zero(deployment, [main], is_after_kills=is_killed)
        assert main.terminate() == 0


def test_a_producer_with_another_partitioner_stops_nobody_and_its_records_are_mended(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    ledger = Ledger(deployment)
    events = [login(f"c{number % 50}", NOON_MS + number * 1_000) for number in range(30_000)]
    drafts = [
        draft(event, partition=_wrong(event), refused_for="wrong_partition") if number % 3 == 0 else draft(event)
        for number, event in enumerate(events)
    ]
    ledger.post(drafts)
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert totals_of(deployment)["dead_lettered"] == len(ledger.refused) == 10_000
        check_letters(deployment, deployment.topics.dead_letters, ledger.refused)
        done = run("dead-letters", "replay", "--yes", **deployment.settings)
        assert (done.code, done.err) == (0, "")
        wait_for_lag_zero(deployment, [main])
        counts = totals_of(deployment)
        assert (counts["applied"] + counts["applied_late"], counts["dead_lettered"]) == (len(events), 10_000)

        # Nobody uses the right one: that is no longer one producer.
        later = [login(f"c{number % 50}", NOON_MS + DAY_MS + number * 1_000) for number in range(30_000)]
        ledger.post([draft(event, partition=_wrong(event), refused_for="wrong_partition") for event in later])
        assert told_at_the_end(main, "churn_stopped_at_dead_letter_limit", EXIT_WITHIN_S) == (3, 1), main.log_tail()
        assert "5001 of the last 10000 records lie on a partition that is not their key's" in main.log_tail()
        assert "dead-letters replay --reason wrong_partition" in main.log_tail()


def _wrong(event: Event) -> int:
    return (partition_of(event.customer_id.encode(), PARTITIONS) + 1) % PARTITIONS


def test_more_than_five_per_cent_of_the_last_ten_thousand_stop_the_worker(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    few, many = 25, 18  # one in so many is bad: 4 %, then 5.6 %
    drafts = [_login(number, is_bad=number % few == 0) for number in range(11_000)]
    ledger = Ledger(deployment)
    ledger.post(drafts)
    positions = Positions(deployment)
    place = (deployment.topics.event(LOGIN), 0)
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        ledger.post([_login(number, is_bad=number % many == 0) for number in range(11_000, 22_000)])
        assert told_at_the_end(main, "churn_stopped_at_dead_letter_limit", EXIT_WITHIN_S) == (3, 1), main.log_tail()
        assert "501 of the last 10000" in main.log_tail()
        assert 11_000 <= positions.committed()[place] < 22_000


def _login(number: int, *, is_bad: bool) -> Draft:
    at_ms = NOON_MS + number * 1_000
    if is_bad:
        return Draft(LOGIN, b"c1", b"{}", at_ms, [], "missing_field")
    return draft(login(f"c{number % 50}", at_ms))
