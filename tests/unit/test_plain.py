"""Texts of others are seen as they are, and do nothing to whoever sees them."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from streams.text.plain import plain, plain_json, plain_lines
from streams.text.terminal import styled, terminal

HARMLESS_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Signs that are seen, though Unicode counts them among the formats."""
TEXTS = st.text(st.characters() | st.sampled_from("\x1b\n\t\r\u202e\u200b\ufeff\x9b[]/\\{}%<>&'\"é"))


def test_whatever_cannot_be_seen_becomes_an_escape() -> None:
    for number in range(sys.maxunicode + 1):
        one = chr(number)
        category = unicodedata.category(one)
        if category in {"Cc", "Cf", "Cs", "Zl", "Zp"} and number not in HARMLESS_FORMATS:
            assert plain(one).startswith("\\"), hex(number)
            assert (plain_lines(one) == one) == (one in "\n\t"), hex(number)


@given(TEXTS)
def test_a_plain_text_is_one_line_that_can_be_written_and_stays_so(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == shown
    assert shown.encode().decode() == shown
    assert not set(shown) & set("\x1b\x9b\n\r\t\u202e\u200b")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert plain(text) == plain_lines(text) == text


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_made_plain_means_the_same(value: dict[str, str]) -> None:
    value = {key.encode(errors="ignore").decode(): text.encode(errors="ignore").decode() for key, text in value.items()}
    payload = json.dumps(value, ensure_ascii=False, indent=2).encode()
    shown = plain_json(payload)
    assert json.loads(shown) == value
    assert plain_lines(shown.decode()) == shown.decode()


@given(TEXTS)
def test_a_terminal_shows_a_text_in_every_place_without_understanding_it(text: str) -> None:
    out = io.StringIO()
    console = terminal(file=out, width=10_000)
    table = Table(plain(text), title=plain(text), box=None)
    table.add_row(text)
    table.add_row(Text(text))
    for shown in (text, Text(text), styled("id ", (text, "bold red")), table):
        console.print(shown, soft_wrap=True)
    told = out.getvalue()
    assert plain_lines(told) == told
    assert f"id {plain(text)}" in told


@pytest.mark.parametrize(
    "text", ["[/winback]", "[now]", "[bold red]x[/]", ":smile:", "[link=file:///etc/passwd]x[/link]", "{}%s", "\\[a]"]
)
def test_markup_emoji_and_styles_of_others_are_shown_as_written(text: str) -> None:
    out = io.StringIO()
    terminal(file=out, width=200).print(text)
    terminal(file=out, width=200).print(styled((text, "bold")))
    assert out.getvalue().splitlines() == [text, text]


def test_a_terminal_of_no_size_is_drawn_for_a_small_one() -> None:
    console = terminal(file=io.StringIO(), width=1, height=1)
    assert (console.width, console.height) == (20, 5)
