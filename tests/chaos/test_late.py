"""Events that come too late for a reviewed boundary: within L they are folded, beyond it they are set aside.

Three times the history stops, everything is read, and events from before the boundary that is now reviewed are posted.
Where that boundary lies is computed here from what was posted. With `--full` 50,000 events instead of 6,000.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from schemas.dead_letter import PREFIX
from schemas.event import FEEDS, Event
from schemas.partitioner import partition_of
from support.arrivals import B_MS
from support.broker import Broker
from support.builders import DAY_MS, email, login, purchase, ticket
from support.histories import SMALL, START_MS, history, write_history
from support.ledger import Ledger, draft
from support.letters import check_letters, letters_of
from support.oracles import Expected, replay
from support.posting import tell_ends
from support.program import run
from support.reading import read_topic
from support.recorded import partitions_of, totals_of
from support.workers import RULES_ONLY, Deployment, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
ROUNDS: Final = 3
FOLDED_SHARE: Final = 0.01
TOO_LATE_SHARE: Final = 0.001
FOLDED_MS: Final = (1_000, 6 * DAY_MS)
"""How far behind the reviewed boundary an event may be that is still folded in; L is seven days."""
TOO_LATE_MS: Final = (8 * DAY_MS, 400 * DAY_MS)


def reviewed_ms(events: Iterable[Event]) -> dict[int, int]:
    """By partition the boundary that is reviewed once these events are read: the rule, told a second time."""
    highs: dict[int, list[int]] = defaultdict(lambda: [0] * len(FEEDS))
    for event in events:
        high = highs[partition_of(event.customer_id.encode(), PARTITIONS)]
        high[event.feed] = max(high[event.feed], event.time_ms)
    return {number: (min(high) - B_MS) // DAY_MS * DAY_MS for number, high in highs.items()}


class Latecomers:
    """Makes late events of known customers."""

    def __init__(self, events: list[Event], dice: random.Random) -> None:
        self._customers = sorted({event.customer_id for event in events})
        self._dice = dice
        self._made = 0

    def make(self, count: int, behind_ms: tuple[int, int], boundaries_ms: dict[int, int]) -> list[Event]:
        """So many events, each behind its partition's boundary by something in the range; both ends occur."""
        least, most = behind_ms
        behind = [least, most, *(self._dice.randint(least, most) for _ in range(count - 2))]
        return [self._one(by_ms, boundaries_ms) for by_ms in behind]

    def _one(self, by_ms: int, boundaries_ms: dict[int, int]) -> Event:
        customer = self._dice.choice(self._customers)
        at_ms = boundaries_ms[partition_of(customer.encode(), PARTITIONS)] - by_ms
        self._made += 1
        name = f"late-{self._made}"
        kinds = (
            lambda: purchase(customer, at_ms, 50.0, id=name, order_id=name, currency="USD"),
            lambda: login(customer, at_ms, id=name),
            lambda: ticket(customer, at_ms, id=name, ticket_id=name),
            lambda: email(customer, at_ms, id=name, action=self._dice.choice(("clicked", "unsubscribed"))),
        )
        return self._dice.choice(kinds)()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_late_events_are_folded_or_set_aside_and_never_disturb_others(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    size = SMALL[is_full]
    events = history(size)
    ledger = Ledger(deployment)
    with workers(deployment, "main") as (main,):
        main.start()
        folded, too_late = post_in_rounds(deployment, events, ledger, main, days=size.days)
        assert main.terminate() == 0
    wanted = {"applied": len(events), "applied_late": len(folded), "late": len(too_late)}
    assert totals_of(deployment) == {"duplicate": 0, "dead_lettered": 0, "erased": 0, "moved": 0} | wanted
    assert len(folded) >= FOLDED_SHARE * len(events)
    assert len(too_late) >= TOO_LATE_SHARE * len(events)
    ids = check_late_topic(deployment, ledger, too_late)

    everything = write_history(events + folded + too_late, tmp_path / "everything.jsonl")
    expected = replay(everything, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY, exclude="\n".join(ids))
    check_records(deployment, expected)
    disturbed = {event.customer_id for event in folded}
    alerts = check_outputs(deployment.broker, deployment.topics.alerts, expected.alerts, disturbed)
    stages = check_outputs(deployment.broker, deployment.topics.stages, expected.stages, disturbed)
    print(
        f"\n{len(folded)} folded, {len(too_late)} set aside; equal for the customers without late events: "
        f"{alerts} revisions, {stages} transitions"
    )
    assert alerts >= 100
    assert stages >= 100


def post_in_rounds(
    deployment: Deployment, events: list[Event], ledger: Ledger, main: Worker, *, days: int
) -> tuple[list[Event], list[Event]]:
    """Post the history in parts, late events after each but the last; returns the late ones within L and beyond."""
    dice = random.Random(7)
    latecomers = Latecomers(events, dice)
    folded: list[Event] = []
    too_late: list[Event] = []
    posted = 0
    for part in range(1, ROUNDS + 2):
        until_ms = START_MS + part * days // (ROUNDS + 1) * DAY_MS
        end = next((at for at, event in enumerate(events) if event.time_ms >= until_ms), len(events))
        ledger.post([draft(event) for event in events[posted:end]])
        posted = end
        if part > ROUNDS:
            tell_ends(deployment, events)
        wait_for_lag_zero(deployment, [main])
        if part > ROUNDS:
            break
        boundaries_ms = reviewed_ms(events[:posted])
        assert boundaries_ms == {number: state.boundary * DAY_MS for number, state in partitions_of(deployment).items()}
        now_folded = latecomers.make(-(-round(len(events) * FOLDED_SHARE) // ROUNDS), FOLDED_MS, boundaries_ms)
        now_late = latecomers.make(-(-round(len(events) * TOO_LATE_SHARE) // ROUNDS), TOO_LATE_MS, boundaries_ms)
        drafts = [draft(event) for event in now_folded] + [draft(event, refused_for="late") for event in now_late]
        dice.shuffle(drafts)
        ledger.post(drafts)
        wait_for_lag_zero(deployment, [main])
        folded += now_folded
        too_late += now_late
    assert posted == len(events)
    return folded, too_late


def check_late_topic(deployment: Deployment, ledger: Ledger, too_late: list[Event]) -> list[str]:
    """The late topic holds exactly the events beyond L, with origin and reason; returns their ids as it tells them."""
    check_letters(deployment, deployment.topics.late, ledger.refused)
    ids = []
    for written in letters_of(deployment, deployment.topics.late).values():
        _, value, headers = written[0]
        told = {name.removeprefix(PREFIX): content for name, content in headers}
        event = orjson.loads(value or b"")
        ids.append(str(event["id"]))
        assert int(told["boundary"]) - int(told["event-time"]) >= TOO_LATE_MS[0]
    assert sorted(ids) == sorted(event.id for event in too_late)
    return ids


def check_records(deployment: Deployment, expected: Expected) -> None:
    """What is known of each customer equals the replay; so does the stage, which the next review corrected."""
    file = deployment.folder / "found-states.jsonl"
    assert run("customer", "--all", str(file), **deployment.settings).code == 0
    found, wanted = by_customer(file), by_customer(expected.states)
    assert found.keys() == wanted.keys()
    differing = {who for who in wanted if found[who]["facts"] != wanted[who]["facts"]}
    assert not differing, [(found[who], wanted[who]) for who in sorted(differing)[:2]]
    corrected = {who for who in wanted if found[who]["verdict"]["stage"] != wanted[who]["verdict"]["stage"]}
    assert not corrected, [(found[who], wanted[who]) for who in sorted(corrected)[:2]]


def by_customer(file: Path) -> dict[str, dict[str, Any]]:
    """States of a file by customer."""
    return {state["customer_id"]: state for state in map(orjson.loads, file.read_bytes().splitlines())}


def check_outputs(broker: Broker, topic: str, expected: Path, disturbed: set[str]) -> int:
    """Outputs about all other customers are those of the replay, byte for byte; returns how many those are."""
    found = undisturbed((message.value() or b"" for message in read_topic(broker.bootstrap, topic)), disturbed)
    wanted = undisturbed(expected.read_bytes().splitlines(), disturbed)
    assert found == wanted, (sorted(found - wanted)[:3], sorted(wanted - found)[:3])
    return len(wanted)


def undisturbed(payloads: Iterable[bytes], disturbed: set[str]) -> set[bytes]:
    """Outputs that are not about certain customers."""
    return {payload for payload in payloads if orjson.loads(payload)["customer_id"] not in disturbed}
