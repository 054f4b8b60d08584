"""`digest`: from a file of digests, and what is said when there is none."""

from __future__ import annotations

from gzip import compress
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.alert import Money
from schemas.digest import CameTrueV1, DigestAlertV1, DigestCountsV1, DigestEndV1, DigestLineV1, DigestV1, encode_digest
from schemas.instant import to_rfc3339
from streams.cli.digest import say_if_old
from streams.clock import now_ms
from streams.console.digest_text import overview
from streams.errors import SetupError
from streams.readback import digests as read_back
from streams.readback.digests import digests_on_topic, newest_digests
from streams.report.digest_page import digest_page
from streams.settings import Settings
from streams.text.digest_words import at_stake, became, sentence, summary_of
from streams.text.terminal import terminal
from support.program import run

ALERT = DigestAlertV1(
    alert_id="a" * 32, signal="loyal_gone_silent", severity="error", summary="Silent <b>since</b> 41 days.",
    intervention="Call.", playbook_url="https://playbooks.example/x", starts_at="2026-03-01T00:00:00Z",
    due_at="2026-03-03T00:00:00Z", escalated_at=None, listed_at="2026-03-01T00:00:00Z",
    came_true=CameTrueV1(0.62, 0.55, 0.7),
)  # fmt: skip


def line(customer: str, *, worth: float | None = 120.0, past_due: bool = False) -> DigestLineV1:
    return DigestLineV1(
        customer_id=customer, stage="lapsed", value_at_risk=None if worth is None else Money(worth, "EUR"),
        value_basis=None if worth is None else "expected", risk=None if worth is None else 0.6,
        do_not_contact=("unsubscribed",) if past_due else (), due_at=ALERT.due_at, is_past_due=past_due,
        alerts=(ALERT,),
    )  # fmt: skip


def test_numbers_of_an_earlier_day_say_so() -> None:
    at = "2026-03-04T00:00:00Z"
    told = [replace(ALERT, told_at=when) for when in (at, "2026-03-01T23:30:00Z", None)]
    assert [summary_of(one, at, "Europe/Berlin") for one in told] == [
        ALERT.summary,
        f"{ALERT.summary} (as told on 02 Mar 2026)",
        ALERT.summary,
    ]


def end(**fields: object) -> DigestEndV1:
    given = {
        "customer_id": "c9", "alert_id": "b" * 32, "signal": "usage_drop", "listed_at": "2026-03-01T00:00:00Z",
        "became": "ended", "ended_because": None, "outcome": None, "acknowledged_by": None, "snoozed_until": None,
        "escalated_to": None,
    }  # fmt: skip
    return DigestEndV1(**{**given, **fields})  # type: ignore[arg-type]


def digest(owner: str, at: str, *, waiting: int = 3) -> DigestV1:
    counts = DigestCountsV1(new=1, open=1, past_due=1, waiting=waiting, in_hand=2, snoozed=0, became=1)
    return DigestV1(
        owner=owner, at=at, budget=20, counts=counts, new=(line("c1"),), open=(line("c2", past_due=True),),
        waiting=(line("c3", worth=None),), became=(end(ended_because="came_back"),),
    )  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Path:
    days = [("Retention", "2026-03-02"), ("Support", "2026-03-02"), ("Retention", "2026-03-01")]
    file = tmp_path / "digests.jsonl"
    file.write_bytes(b"".join(encode_digest(digest(owner, f"{day}T00:00:00Z")) + b"\n" for owner, day in days))
    return file


def test_the_newest_digest_counts_wherever_it_lies() -> None:
    first, second = digest("A", "2026-03-01T00:00:00Z"), digest("A", "2026-03-02T00:00:00Z")
    assert newest_digests([second, first]) == newest_digests([first, second]) == {"A": second}
    assert newest_digests([second, first], 1_772_400_000_000) == {"A": first}
    assert newest_digests([second], 0) == {}


def test_an_overview_and_one_owner(made: Path) -> None:
    all_of_them = run("digest", "--file", str(made))
    assert all_of_them.code == 0
    assert "02 Mar 2026" in all_of_them.out
    assert "Support" in all_of_them.out
    one = run("digest", "Retention", "--file", str(made))
    told = " ".join(one.out.split())
    for words in (
        "1 customer to look after from today on, 1 still open from before (1 past due), 3 for whom there is no room",
        "1. c1 120 EUR (risk 60% times the spend expected in 12 months)",
        "do not contact: unsubscribed", "value unknown",
        "and 2 more", "c9 usage_drop: over: came back",
        f"id: {ALERT.alert_id}; 62% of such alerts came true (55% to 70%)",
        "Silent <b>since</b> 41 days.",
    ):  # fmt: skip
        assert words in told, words
    earlier = run("digest", "Retention", "--file", str(made), "--at", "2026-03-01T12:00:00Z", "--json")
    assert '"at":"2026-03-01T00:00:00Z"' in earlier.out


def test_a_page_for_people(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("digest", "--file", str(made), "--html", str(page)).code == 0
    text = page.read_text()
    for words in ("Today, owner by owner", "Silent &lt;b&gt;since&lt;/b&gt; 41 days.", "do not contact", "and 2 more"):
        assert words in text, words
    assert "<b>since</b>" not in text
    assert "<script" not in digest_page([digest("A <i>", "2026-03-01T00:00:00Z")], "UTC")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Retension"], 2, "Did you mean Retention?"),
        (["--at", "2026-02-01T00:00:00Z"], 1, "has no digest up to 01 Feb 2026, 00:00 UTC"),
        (["--html", "{made}"], 2, "digests.jsonl"),
    ],
)
def test_what_is_not_there_is_said(made: Path, arguments: list[str], code: int, words: str) -> None:
    done = run("digest", "--file", str(made), *(one.format(made=made) for one in arguments))
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_file_may_be_packed_and_have_empty_lines(made: Path) -> None:
    plain = run("digest", "--file", str(made), "--json")
    packed = made.with_suffix(".jsonl.gz")
    packed.write_bytes(compress(made.read_bytes() + b"\n"))
    found = run("digest", "--file", str(packed), "--json")
    assert (found.code, found.out) == (0, plain.out), found.err
    assert plain.out


def test_a_file_of_something_else_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_bytes(encode_digest(digest("A", "2026-03-01T00:00:00Z")) + b"\n{}\n")
    done = run("digest", "--file", str(file))
    assert (done.code, f"line 2 of {file}" in done.err) == (2, True), done.err


def test_a_record_of_somebody_else_on_the_topic_is_no_fault_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strange:
        def value(self) -> bytes:
            return b"garbage"

    monkeypatch.setattr(read_back, "read_messages", lambda *_, **__: [Strange()])
    with pytest.raises(SetupError, match=r"topic churn\.digests: a record is not ours: .*Check CHURN_PREFIX"):
        list(digests_on_topic(Settings()))


def test_a_newest_digest_of_long_ago_is_not_shown_as_todays_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = digest("A", "2020-03-01T00:00:00Z"), digest("B", to_rfc3339(now_ms()))
    say_if_old([old, new])
    assert capsys.readouterr().err == ""
    say_if_old([old])
    told = capsys.readouterr().err
    assert "days old: no midnight was decided since (where a feed is quiet, the worker's tick decides it" in told
    assert "`churn-signals tick` at once), or no dispatcher runs" in told


def test_an_owner_whose_newest_digest_is_of_an_earlier_day_is_marked_in_the_overview() -> None:
    days = {"Marketing": "2026-03-02", "Retention": "2026-03-05", "Support": "2026-03-05"}
    out = StringIO()
    made = [digest(owner, f"{day}T00:00:00Z") for owner, day in days.items()]
    terminal(file=out, width=140).print(overview(made, "UTC"))
    (marked,) = [line for line in out.getvalue().splitlines() if "older" in line]
    assert marked.split()[:7] == ["Marketing", "02", "Mar", "2026,", "3", "days", "older"]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (end(ended_because="lost", outcome="lost"), "over: lost; outcome: lost"),
        (end(became="answered", outcome="false_alarm", acknowledged_by="Ann"), "outcome: false alarm by Ann"),
        (end(became="acknowledged", acknowledged_by="Ann"), "acknowledged by Ann"),
        (end(became="snoozed", snoozed_until="2026-04-01T00:00:00Z"), "snoozed until 01 Apr 2026, 00:00 UTC"),
        (end(became="escalated", escalated_to="Head"), "escalated to Head"),
        (end(became="escalated"), "escalated to nobody named in the catalogue"),
    ],
)
def test_what_became_of_an_alert_in_words(one: DigestEndV1, words: str) -> None:
    assert became(one, "UTC") == words


def test_unknown_is_not_zero() -> None:
    assert at_stake(line("c", worth=None)) == "value unknown"
    assert at_stake(line("c", worth=0.0)).startswith("0 EUR")
    assert sentence(digest("A", "2026-03-01T00:00:00Z", waiting=0)).endswith("(1 past due).")
