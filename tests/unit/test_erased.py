"""Erasure: when it takes effect, what it refuses, what the worker sends of it and what it sweeps away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from models.catalogue.catalogue import build_rules
from models.engine.arrivals import ERASED, Arrival, Fate
from models.engine.frozen import SnapshotError
from models.engine.ledger import COMMANDS
from models.engine.partition import Partition
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from schemas.alert import AlertV1, decode_alert, revision_key
from schemas.command import Command, encode_command
from schemas.erasure import ErasureV1, decode_erasure, erased_name
from schemas.event import EMAIL, FEEDS, LOGIN, Event
from schemas.example import decode_lesson
from schemas.receipt import ReceiptV1, decode_receipt
from streams.__main__ import program
from streams.agents.minding import due
from streams.agents.sweeping import named_in
from streams.transport.records import Record
from support.agents import TOPICS, Life, record, tick
from support.builders import DAY_MS, HOUR_MS, email, login, purchase
from support.troubled import FIRST_DAY, catalogue, default_rules

SALT = "pepper"
RULES = build_rules(catalogue(), erasure_salt=SALT)
NAME = erased_name(SALT, "c1")
FIRST_MS = FIRST_DAY * DAY_MS


def erasure(at_ms: int, name: str = "k", customer: str = "c1", note_id: str | None = None) -> Command:
    return Command(name, "erase", customer, at_ms, "Ann", note_id=note_id)


class Told:
    """A partition that takes events and commands in one by one, and what it told."""

    def __init__(self) -> None:
        self.partition = Partition(RULES, limit_dead_letters=False)
        self.messages: list[Message] = []

    def take(self, one: Event | Command) -> Fate:
        place = one.feed if isinstance(one, Event) else COMMANDS
        (fate,) = self.partition.observe([Arrival(place, self.partition.ledger.covered[place] + 1, one)])
        self.messages += self.partition.drain()
        return fate

    def until(self, day: int) -> None:
        """Lift the clocks to two hours past the midnight before a day."""
        self.partition.lift((FIRST_DAY + day) * DAY_MS + 2 * HOUR_MS, range(len(FEEDS)))
        self.messages += self.partition.drain()

    def receipts(self) -> list[tuple[str, str, str, str | None]]:
        return [
            (one.command_id, one.customer_id, one.effective_at[:10], one.reason)
            for one in self.messages
            if isinstance(one, ReceiptV1)
        ]


def day_text(day: int) -> str:
    return RULES.basis.calendar.text_of(FIRST_DAY + day)[:10]


def test_what_lies_before_the_midnight_counts_until_then_and_what_lies_behind_it_never() -> None:
    told = Told()
    told.take(purchase("c1", FIRST_MS, currency="USD", id="p"))
    told.take(erasure(FIRST_MS + HOUR_MS))
    assert told.take(login("c1", FIRST_MS + 2 * HOUR_MS, id="same day")) == Fate("applied")
    assert told.take(login("c1", FIRST_MS + DAY_MS, id="next day")) == ERASED
    assert told.partition.customers.roster.row_of("c1") is not None
    told.until(1)
    assert told.partition.customers.roster.row_of("c1") is None
    assert told.take(login("c1", FIRST_MS + 3 * HOUR_MS, id="late")) == ERASED
    assert told.take(login("c1", FIRST_MS - 300 * DAY_MS, id="too late")) == ERASED
    assert told.receipts() == [("k", NAME, day_text(1), None)]
    assert [one for one in told.messages if isinstance(one, ErasureV1)] == [
        ErasureV1(NAME, RULES.basis.calendar.text_of(FIRST_DAY + 1), erased_name(SALT, ""))
    ]


def test_an_erasure_counts_however_late_it_comes_and_for_a_customer_nobody_knows() -> None:
    told = Told()
    told.take(purchase("c2", FIRST_MS, currency="USD", id="p"))
    told.until(30)
    assert told.take(erasure(FIRST_MS)) == Fate("applied_late")
    assert told.take(erasure(FIRST_MS)).outcome == "duplicate"
    told.until(31)
    assert told.receipts() == [("k", NAME, day_text(31), None)]
    assert told.take(purchase("c1", FIRST_MS + 31 * DAY_MS, currency="USD", id="p")) == ERASED
    assert told.partition.customers.erased.is_erased("c1")
    assert not told.partition.customers.erased.is_erased("c2")


def test_whatever_else_is_said_of_who_is_erased_is_refused_and_names_nobody() -> None:
    told = Told()
    told.take(purchase("c1", FIRST_MS, currency="USD", id="p"))
    told.take(Command("out", "opt_out", "c1", FIRST_MS + 2, "Bob", note_id="n"))
    told.take(erasure(FIRST_MS + 1, note_id="request-17"))
    told.take(Command("ack", "acknowledge", "c1", FIRST_MS + DAY_MS + 1, "Bob", alert_id="0" * 32))
    told.until(1)
    assert b"c1" not in b"".join(str(one).encode() for one in told.partition.inbox.waiting)
    again = Command("again", "erase", "c1", FIRST_MS + DAY_MS + 5, "Bob")
    assert told.take(again) == told.take(again) == ERASED
    told.until(2)
    assert told.receipts() == [
        ("k", NAME, day_text(1), None),
        ("out", NAME, day_text(1), "erased"),
        ("ack", NAME, day_text(2), "erased"),
        ("again", NAME, day_text(2), None),
    ]
    assert {one.alert_id for one in told.messages if isinstance(one, ReceiptV1)} == {None}
    assert [one.note_id for one in told.messages if isinstance(one, ReceiptV1)] == ["request-17", "n", None, None]


@pytest.mark.parametrize("erased_first", [True, False])
@pytest.mark.parametrize("erased_on", [30, 31])
def test_what_differed_in_names_alone_is_one_once_they_are_gone(erased_on: int, *, erased_first: bool) -> None:
    told = Told()
    told.take(purchase("c1", FIRST_MS, currency="USD", id="p"))
    told.until(30)
    about = [Command("old", "acknowledge", "c1", FIRST_MS, "Bob", alert_id=number * 32) for number in "01"]
    erased = erasure(FIRST_MS + erased_on * DAY_MS)
    for one in (erased, *about) if erased_first else (*about, erased):
        told.take(one)
    told.until(erased_on + 1)
    names = ["old"] if erased_on == 30 else []
    assert [one[0] for one in told.receipts() if one[1] == NAME and one[0] != "k"] == names


def test_open_alerts_end_with_a_last_word_that_says_no_more_than_that() -> None:
    told = Told()
    told.take(email("c1", FIRST_MS + 2 * HOUR_MS, "unsubscribed", id="e"))
    told.until(1)
    told.take(email("c1", FIRST_MS + DAY_MS + 2 * HOUR_MS, "complained", id="f"))
    told.take(erasure(FIRST_MS + DAY_MS + 3 * HOUR_MS))
    told.until(2)
    alerts = [one for one in told.messages if isinstance(one, AlertV1)]
    last = {one.alert_id: one for one in alerts}
    assert {one.ended_because for one in last.values()} == {"erased"}
    for one in last.values():
        assert (one.status, one.summary) == ("resolved", "Over: the customer was erased.")
        assert (one.drivers, one.evidence, one.value_at_risk, one.stage) == ((), (), None, None)
        assert one.revision == max(other.revision for other in alerts if other.alert_id == one.alert_id)
    decided = told.partition.review.follow_up.decided
    assert decided == len(alerts)


def test_a_state_is_refused_where_customers_were_erased_with_another_salt() -> None:
    told = Told()
    told.take(purchase("c1", FIRST_MS, currency="USD", id="p"))
    told.until(1)
    load(freeze(told.partition).to_bytes(), default_rules())  # nobody was erased yet
    told.take(erasure(FIRST_MS + DAY_MS))
    told.until(2)
    data = freeze(told.partition).to_bytes()
    with pytest.raises(SnapshotError, match=r"CHURN_ERASURE_SALT.*Set it back"):
        load(data, default_rules())
    assert load(data, RULES).customers.erased.is_erased("c1")


# -- what a worker makes of it


def life_of(records: Sequence[Record]) -> Life:
    life = Life(RULES, now_ms=FIRST_MS + 40 * DAY_MS)
    life.take(records)
    life.take([tick(FIRST_MS + DAY_MS + 2 * HOUR_MS, 0)])
    life.wait_for_all()
    return life


def said(command: Command, offset: int = 0) -> Record:
    return Record(TOPICS.commands, command.customer_id.encode(), encode_command(command), offset, command.at_ms)


def test_each_record_has_a_key_of_its_own_and_the_news_is_told_to_the_learner_as_well() -> None:
    life = life_of([record(email("c1", FIRST_MS, action="unsubscribed"), 0), said(erasure(FIRST_MS))])
    alerts = life.sent.on(TOPICS.alerts)
    assert [one.key for one in alerts] == [revision_key(decode_alert(one.value or b"")) for one in alerts]
    (receipt,) = life.sent.on(TOPICS.receipts)
    assert decode_receipt(receipt.value or b"").customer_id == NAME
    (news,) = life.sent.on(TOPICS.erased)
    assert (news.key, decode_erasure(news.value or b"").customer) == (NAME.encode(), NAME)
    lessons = [decode_lesson(one.value or b"") for one in life.sent.on(TOPICS.examples)]
    assert [one.customer for one in lessons if isinstance(one, ErasureV1)] == [NAME]
    assert all(one.key for one in life.sent.records), "a topic that is compacted takes no record without a key"


def test_no_dead_letter_holds_what_is_refused_of_who_is_erased() -> None:
    life = life_of([record(purchase("c1", FIRST_MS, currency="USD"), 0), said(erasure(FIRST_MS))])
    topic, at_ms = TOPICS.event(LOGIN), FIRST_MS + DAY_MS
    bad = [
        Record(topic, b"c1", b"{", 0, at_ms),
        Record(topic, b"other", b'{"customer_id": "c1", "id": 7', 1, at_ms),
        Record(topic, b"other", b"{", 2, at_ms),
        Record(TOPICS.event(EMAIL), None, b'{"subject":"c1"}', 0, at_ms),
    ]
    life.take(bad)
    counts = life.own.partition.ledger.counts
    assert (counts[LOGIN]["erased"], counts[LOGIN]["dead_lettered"], counts[EMAIL]["erased"]) == (2, 1, 1)
    assert [one.key for one in life.sent.on(TOPICS.dead_letters)] == [f"{topic}/0/2".encode()]
    assert life.agent.tally.events[topic, "erased"] == 2


def test_whom_a_record_names_is_found_whatever_is_wrong_with_it() -> None:
    assert named_in(b"c1", b'{"customer_id" : "c-2", "data": {"subject":"c.3"}') == {"c1", "c-2", "c.3"}
    assert named_in(None, b"\xff") == named_in(b"", None) == set()


def test_a_snapshot_is_due_at_once_while_one_that_is_kept_knows_who_is_erased() -> None:
    life = life_of([record(purchase("c1", FIRST_MS, currency="USD"), 0), said(erasure(FIRST_MS))])
    own = life.own
    own.saved_boundary = own.partition.boundary
    assert due([own], lambda _: True) is None
    own.unforgotten = 2
    assert due([own], lambda _: False) is own


# -- the command


def test_it_asks_first_and_wants_a_salt_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_USER", "Ann")
    without = CliRunner().invoke(program, ["erase", "c-42", "--yes"], standalone_mode=False)
    assert "CHURN_ERASURE_SALT" in str(without.exception)
    monkeypatch.setenv("CHURN_ERASURE_SALT", "of-our-own")
    named = CliRunner().invoke(program, ["erase", "c-42", "--yes", "--note-id", "about c-42"], standalone_mode=False)
    assert "names the customer" in str(named.exception)
    monkeypatch.setattr("streams.cli.erase.read_partitions", lambda *_: {})
    asked = CliRunner().invoke(program, ["erase", "c-42"], input="n\n")
    assert "Forget customer c-42 for ever?" in asked.output
    assert "customer c-42 is not known here" in asked.output
    assert asked.exit_code == 1
    bad = CliRunner().invoke(program, ["erase", "no one", "--yes"], standalone_mode=False)
    assert "no customer id" in str(bad.exception)
