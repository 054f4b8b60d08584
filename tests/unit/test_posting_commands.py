"""Commands about alerts and customers: what a worker would refuse is refused before it is posted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.command import MOST_OF_NOTE, Command, decode_command_line, encode_command
from schemas.errors import RejectedError
from schemas.instant import from_rfc3339
from streams.cli.commanding import effective_ms
from streams.cli.snooze import check_until
from streams.errors import SetupError
from streams.settings import Settings
from support.program import Outcome, run

NOWHERE = "127.0.0.1:1"
"""Nothing listens there: what is said of the command line is said before any broker is asked."""


def refused(*arguments: str) -> Outcome:
    done = run(*arguments, "--by", "Ann", bootstrap=NOWHERE, erasure_salt="salt")
    assert done.code == 2, done.err
    return done


def test_the_contract_takes_as_long_a_note_and_no_longer() -> None:
    longest = Command("a" * 32, "opt_out", "c-42", 1_772_400_000_000, "Ann", note_id="n" * MOST_OF_NOTE)
    assert decode_command_line(encode_command(longest)) == longest
    with pytest.raises(RejectedError):
        decode_command_line(encode_command(replace(longest, note_id="n" * (MOST_OF_NOTE + 1))))


@pytest.mark.parametrize("note", ["", "n" * (MOST_OF_NOTE + 1)])
@pytest.mark.parametrize("command", [("opt-out",), ("opt-in",), ("erase", "--yes")])
def test_a_note_that_no_worker_takes_is_refused_before_it_is_posted(command: tuple[str, ...], note: str) -> None:
    words = f"--note-id: {len(note)} characters, 1 to 64 are allowed. Give the id of the note, not its text."
    assert words in refused(*command, "c-42", "--note-id", note).err


def test_what_stays_of_an_erasure_does_not_name_the_customer() -> None:
    for note in ("c-42", "about c-42, by phone", "case:c-42"):
        assert "names the customer" in refused("erase", "c-42", "--yes", "--note-id", note).err
    for note in ("request-17", "c-421", "xc-42"):
        assert "no broker answers" in refused("erase", "c-42", "--yes", "--note-id", note).err


def test_of_two_ids_the_one_that_is_none_is_named() -> None:
    for given, wrong in ((("a:b", "c-42"), "ALIAS: 'a:b'"), (("c-42", "a:b"), "CUSTOMER_ID: 'a:b'")):
        assert f"{wrong} is no customer id" in refused("merge", *given, "--yes").err


def test_a_snooze_that_is_over_before_it_takes_effect_is_refused() -> None:
    at_ms, midnight_ms = from_rfc3339("2026-03-01T09:00:00Z"), from_rfc3339("2026-03-02T00:00:00Z")
    check_until(Settings(), midnight_ms + 1, at_ms)
    with pytest.raises(SetupError, match=r"is over\. Name a time that is to come"):
        check_until(Settings(), at_ms, at_ms)
    for until_ms in (at_ms + 1, midnight_ms):
        with pytest.raises(SetupError, match=r"before it takes effect, at midnight, 02 Mar 2026, 00:00 UTC\. Name a"):
            check_until(Settings(), until_ms, at_ms)


def test_what_is_said_counts_from_the_midnight_of_the_zone_on() -> None:
    at_ms = from_rfc3339("2026-03-01T22:30:00Z")
    assert effective_ms(Settings(), at_ms) == from_rfc3339("2026-03-02T00:00:00Z")
    assert effective_ms(Settings(zone="Europe/Berlin"), at_ms) == from_rfc3339("2026-03-01T23:00:00Z")
    assert effective_ms(Settings(), from_rfc3339("2026-03-02T00:00:00Z")) == from_rfc3339("2026-03-03T00:00:00Z")
