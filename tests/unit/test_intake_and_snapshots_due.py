"""The agent of customers: what it sends and when, what stood there already, where boundaries are passed again."""

from __future__ import annotations

import pytest

from models.catalogue.catalogue import build_rules
from models.engine.arrivals import Passed as Boundary
from models.engine.ledger import MOVED, TICKS
from schemas.alert import decode_alert
from schemas.event import LOGIN, PURCHASE
from schemas.stage import decode_stage_change
from streams.agents import customers
from streams.agents.minding import REREAD_S, due
from streams.agents.owned import OwnedPartition
from streams.errors import EXIT_DEAD_LETTER_LIMIT
from streams.transport.errors import StopWorkerError
from streams.transport.open_alerts import Lying, OpenAlerts
from streams.transport.published import Published
from streams.transport.records import Record
from support.agents import TOPICS, Life, record, tick
from support.builders import DAY_MS, HOUR_MS, email, login, purchase
from support.troubled import FIRST_DAY, catalogue, default_rules

RULES = default_rules()
NOW_MS = (FIRST_DAY + 40) * DAY_MS
CUSTOMERS = 30
DAY_1_MS = FIRST_DAY * DAY_MS + 12 * HOUR_MS


def buying(customers: int = CUSTOMERS) -> list[Record]:
    return [record(purchase(f"c{n}", DAY_1_MS, currency="USD"), n) for n in range(customers)]


def midnight(day: int, offset: int) -> Record:
    return tick((FIRST_DAY + day) * DAY_MS + 2 * HOUR_MS, offset)


def test_a_boundary_is_on_record_before_its_first_output_leaves_and_is_spread_over_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(customers, "REVIEWS_A_FRAME", 8)
    life = Life(RULES, now_ms=NOW_MS)
    life.take(buying())
    life.take([midnight(1, 0)])
    assert [(one.boundary, one.covered) for one in life.begun] == [(FIRST_DAY + 1, (29, -1, -1, -1, 0, -1, -1))]
    frames = 0
    while life.agent.is_behind(0):
        life.take()
        frames += 1
    assert frames == 2 + -(-CUSTOMERS // 8), "the day is closed, then scored, then everybody judged"
    changes = [decode_stage_change(sent.value or b"") for sent in life.sent.on(TOPICS.stages)]
    assert {change.customer_id for change in changes} == {f"c{n}" for n in range(CUSTOMERS)}


def test_what_stands_on_its_topic_is_not_sent_again() -> None:
    before = Life(RULES, now_ms=NOW_MS)
    records = [*buying(), record(email("c1", DAY_1_MS, action="unsubscribed"), 0), midnight(1, 0)]
    refused = Record(TOPICS.event(LOGIN), b"c1", b"{", 7, DAY_1_MS)
    before.take([*records, refused])
    while before.agent.is_behind(0):
        before.take()
    alerts = [decode_alert(sent.value or b"") for sent in before.sent.on(TOPICS.alerts)]
    assert alerts
    there = Published(
        alerts={alert.alert_id: alert.revision for alert in alerts},
        stages={decode_stage_change(sent.value or b"").id for sent in before.sent.on(TOPICS.stages)[1:]},
        dead_letters={(TOPICS.event(LOGIN), 7): "not_json"},
    )
    lying = OpenAlerts()
    for sent in before.sent.on(TOPICS.alerts_open)[:-1]:
        lying.add(sent.key or b"", Lying(1, sent.value))
    blank = Life(RULES, now_ms=NOW_MS)
    own = OwnedPartition(0, blank.agent.new_partition(0), epoch=4, published=there, lying=lying)
    again = Life(RULES, now_ms=NOW_MS, own=own)
    again.take([*records, refused])
    while again.agent.is_behind(0):
        again.take()
    assert not again.sent.on(TOPICS.alerts)
    assert not again.sent.on(TOPICS.dead_letters)
    assert again.sent.on(TOPICS.stages)[0].value == before.sent.on(TOPICS.stages)[0].value
    assert len(again.sent.on(TOPICS.stages)) == 1
    assert not again.sent.on(TOPICS.alerts_open)
    again.agent.publisher.settle_open(own)
    lost = before.sent.on(TOPICS.alerts_open)[-1]
    (told,) = again.sent.on(TOPICS.alerts_open)
    assert (told.partition, told.key, told.value) == (0, lost.key, lost.value)
    assert told.headers == (("g", b"4"),)


def test_a_revision_behind_which_another_stands_says_nothing_of_what_is_open() -> None:
    """A snapshot while events are read again must not put an older revision behind a newer one."""
    before = Life(RULES, now_ms=NOW_MS)
    records = [*buying(), record(email("c1", DAY_1_MS, action="unsubscribed"), 0), midnight(1, 0)]
    before.take(records)
    alerts = [decode_alert(sent.value or b"") for sent in before.sent.on(TOPICS.alerts)]
    there = Published(alerts={alert.alert_id: alert.revision + 1 for alert in alerts})
    blank = Life(RULES, now_ms=NOW_MS)
    own = OwnedPartition(0, blank.agent.new_partition(0), epoch=4, published=there, lying=OpenAlerts())
    again = Life(RULES, now_ms=NOW_MS, own=own)
    again.take(records)
    again.agent.publisher.settle_open(own)
    assert alerts
    assert not again.sent.on(TOPICS.alerts_open)


def test_what_is_published_and_not_decided_again_is_taken_back_once_all_was_read() -> None:
    """The catalogue before knew a signal that this one does not."""
    before = Life(RULES, now_ms=NOW_MS)
    records = [*buying(), record(email("c1", DAY_1_MS, action="unsubscribed"), 0), midnight(1, 0)]
    before.take(records)
    before.wait_for_all()
    there = Published()
    for sent in before.sent.on(TOPICS.alerts):
        alert = decode_alert(sent.value or b"")
        there.add_alert(alert.alert_id, alert.revision, sent.value if alert.is_open else None)
    own_catalogue = catalogue()
    del own_catalogue["signals"][alert.signal]
    rules = build_rules(own_catalogue)
    blank = Life(rules, now_ms=NOW_MS)
    again = Life(rules, now_ms=NOW_MS, own=OwnedPartition(0, blank.agent.new_partition(0), epoch=4, published=there))
    again.take(records)
    again.wait_for_all()
    assert not again.sent.on(TOPICS.alerts)
    again.agent.settle(again.own)
    (told,) = [decode_alert(sent.value or b"") for sent in again.sent.on(TOPICS.alerts)]
    assert (told.alert_id, told.revision, told.status) == (alert.alert_id, alert.revision + 1, "retracted")
    assert told.summary == "Taken back: decided once more after a restart, it did not hold."
    assert [(sent.key, sent.value) for sent in again.sent.on(TOPICS.alerts_open)] == [(told.alert_id.encode(), None)]
    assert again.own.published is None


def test_everything_is_read_again_once_the_ends_at_the_restart_are_reached() -> None:
    life = Life(RULES, now_ms=NOW_MS)
    life.own.until = (CUSTOMERS, 0, 0, 0, 0)
    life.take(buying()[:-1])
    before = life.own.is_read_again
    life.take(buying()[-1:])
    assert (before, life.own.is_read_again) == (False, True)


def test_a_record_of_an_earlier_epoch_behind_one_of_ours_is_doubtful() -> None:
    found = OpenAlerts(newest=3)
    doubts = []
    for epoch in (3, 4, 4, 3):
        found.add(b"one", Lying(epoch, b"told"))
        doubts.append(found.is_doubtful)
    assert doubts == [False, False, False, True]
    assert found.newest == 4
    late = OpenAlerts(newest=3)
    late.add(b"one", Lying(2, b"by a worker that wakes up"))
    assert late.is_doubtful


def test_a_boundary_is_passed_again_where_it_was_passed_whatever_comes_first() -> None:
    """Before the crash the login came after the midnight and was late; read again, it comes first."""
    covered = [-1] * (MOVED + 1)
    covered[PURCHASE], covered[TICKS] = CUSTOMERS - 1, 0
    blank = Life(RULES, now_ms=NOW_MS)
    own = OwnedPartition(0, blank.agent.new_partition(0), epoch=4)
    own.expected = [Boundary(FIRST_DAY + 1, tuple(covered), None)]
    own.begun = {FIRST_DAY + 1}
    life = Life(RULES, now_ms=NOW_MS, own=own)
    late = record(login("c1", DAY_1_MS), 0)
    bought = buying()
    life.take([late, *bought[:10]])
    assert own.held == [late]
    assert own.partition.boundary == -1
    life.take([*bought[10:], midnight(1, 0)])
    assert own.held == []
    assert own.partition.boundary == FIRST_DAY + 1
    assert own.partition.ledger.counts[LOGIN]["applied_late"] == 1
    assert own.partition.ledger.counts[PURCHASE]["applied"] == CUSTOMERS
    assert not life.begun, "it is on record already"


def test_the_dead_letter_limit_stops_the_worker_and_names_the_record() -> None:
    life = Life(RULES, now_ms=NOW_MS)
    bad = [Record(TOPICS.event(LOGIN), b"c1", b"{", offset, DAY_1_MS) for offset in range(1_500)]
    with pytest.raises(StopWorkerError, match="partition 0 offset 1000: 1001 records refused in a row") as caught:
        life.take(bad)
    assert caught.value.exit_code == EXIT_DEAD_LETTER_LIMIT
    assert not life.sent.records, "nothing of that frame leaves"


def owned(
    number: int, *, cost_s: float = 0.0, save_s: float = 0.0, boundary: int = 5, saved: int = 5
) -> OwnedPartition:
    partition = Life(RULES, now_ms=NOW_MS).agent.new_partition(number)
    partition.watermark.pass_boundary(5)
    partition.customers.boundary = 5
    return OwnedPartition(number, partition, cost_s=cost_s, saved_boundary=saved)


def test_a_snapshot_is_due_after_a_midnight_at_the_live_tail() -> None:
    one, other = owned(0), owned(1, saved=4)
    assert due([one, other], lambda _: True) is other
    assert due([one, other], lambda _: False) is None
    other.is_busy = True
    assert due([one, other], lambda _: True) is None
    other.is_busy, other.partition.customers.boundary = False, 4
    assert due([one, other], lambda _: True) is None, "not while customers wait to be judged: that would be all at once"


def test_a_snapshot_is_due_when_too_much_would_be_read_again() -> None:
    parts = [owned(number, cost_s=REREAD_S / 4) for number in range(4)]
    assert due(parts, lambda _: False) is None
    parts[2].cost_s += 1.0
    assert due(parts, lambda _: False) is parts[2]
    parts[2].save_s = 5.0
    assert due(parts, lambda _: False) is not parts[2], "its last one took long"
