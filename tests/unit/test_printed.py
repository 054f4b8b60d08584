"""Whatever texts alerts, boards and dead letters hold: they are printed as they are, in any width, and do nothing."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from schemas.dead_letter import DeadLetter, Origin
from streams.cli.dead_letters import _print
from streams.console.alert_text import what_to_do
from streams.text.plain import plain, plain_lines
from support.boards import alert, board, drawn, look, page, past_of

TEXTS = st.text(st.characters() | st.sampled_from("\x1b\n\r\t\u202e\u200b\x9b[]/{}%\\<>&:$"), max_size=60)
SHOWN: Final = ("UTC", 0, "spend_last_year")
BORNE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(TEXTS, TEXTS)
def test_what_is_to_be_done_is_told_in_lines_of_our_own(owner: str, action: str) -> None:
    told = what_to_do(alert(owner=owner, intervention=action, clears_when=action), *SHOWN).plain
    assert plain_lines(told) == told
    assert plain(owner) in told
    assert plain(action) in told
    assert len(told.split("\n")) == len(what_to_do(alert(), *SHOWN).plain.split("\n"))


@BORNE
@given(TEXTS, TEXTS, st.integers(20, 200), st.integers(5, 60))
def test_a_board_of_any_texts_keeps_to_its_screen(one: str, other: str, width: int, height: int) -> None:
    alerts = (alert(owner=other, summary=one), alert("c2", owner=one, summary=other, customer_id=other))
    shown = board(look(page(), away={one: other}), past_of(*alerts))
    lines = drawn(shown, width, height)
    assert [plain(line) for line in lines] == lines
    assert max(map(cell_len, lines)) <= width


@BORNE
@given(TEXTS, TEXTS, TEXTS)
def test_dead_letters_of_any_texts_are_listed(
    capsys: pytest.CaptureFixture[str], reason: str, error: str, field: str
) -> None:
    origin = Origin(error, 0, 1, -1)
    letter = DeadLetter(origin, "codec", reason, field, error, None, None, [], truncated=False, size=0, sha256=None)
    _print([letter], Counter([reason]))
    told = capsys.readouterr().out
    assert plain_lines(told) == told
    assert plain(reason).replace(" ", "")[:20] in told.replace(" ", "").replace("\n", "")
