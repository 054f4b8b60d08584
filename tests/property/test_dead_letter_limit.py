"""When a partition stops at the dead-letter limit: a function of the records alone, which are told apart by offset."""

from __future__ import annotations

import pickle
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine.ledger import (
    MISPLACED,
    MISPLACED_SHARE,
    REJECTION_SHARE,
    REJECTION_WINDOW,
    REJECTIONS_IN_A_ROW,
    DeadLetterLimitError,
    Ledger,
)
from schemas.event import FEEDS, LOGIN

GOOD: Final = ""
BAD: Final = "not_json"

Kinds = list[str]
"""What becomes of each record of a partition: applied (GOOD), or the reason for which it is refused."""


@st.composite
def streams(draw: st.DrawFn) -> Kinds:
    """Stretches of mixtures: long enough to fill the window, poor enough to pass and rich enough to stop."""
    kinds: Kinds = []
    for _ in range(draw(st.integers(1, 5))):
        length = draw(st.integers(1, 9_000))
        period = draw(st.sampled_from((1, 2, 3, 19, 21, 5_000)))
        reason = draw(st.sampled_from((GOOD, BAD, MISPLACED)))
        others = draw(st.sampled_from((GOOD, BAD, MISPLACED)))
        other_period = draw(st.sampled_from((1, 2, 7, 30)))
        for place in range(length):
            kinds.append(reason if place % period == 0 else others if place % other_period == 0 else GOOD)
    return kinds


def first_stop(kinds: Kinds) -> int | None:
    """The rule in plain words, counted anew at each record: which one stops the partition."""
    placed: list[bool] = []
    all_misplaced: list[bool] = []
    in_a_row = refused = misplaced = 0
    for offset, kind in enumerate(kinds):
        all_misplaced.append(kind == MISPLACED)
        misplaced += kind == MISPLACED
        if len(all_misplaced) > REJECTION_WINDOW:
            misplaced -= all_misplaced[-1 - REJECTION_WINDOW]
        if kind == MISPLACED:
            if len(all_misplaced) >= REJECTION_WINDOW and misplaced > MISPLACED_SHARE * REJECTION_WINDOW:
                return offset
            continue
        placed.append(kind != GOOD)
        in_a_row = in_a_row + 1 if placed[-1] else 0
        refused += placed[-1]
        if len(placed) > REJECTION_WINDOW:
            refused -= placed[-1 - REJECTION_WINDOW]
        is_full = len(placed) >= REJECTION_WINDOW and refused > REJECTION_SHARE * REJECTION_WINDOW
        if placed[-1] and (in_a_row > REJECTIONS_IN_A_ROW or is_full):
            return offset
    return None


def take(ledger: Ledger, kinds: Kinds, first: int = 0, *, is_limited: bool = True) -> int | None:
    """Let records pass from an offset on; the offset of the one that stops the partition."""
    for offset, kind in enumerate(kinds[first:], first):
        ledger.taken += 1
        if kind == GOOD:
            continue
        try:
            ledger.reject(kind, ledger.taken, LOGIN, offset, is_limited=is_limited)
        except DeadLetterLimitError:
            return offset
    return None


@given(streams())
def test_what_stops_a_partition_is_the_first_record_past_a_limit(kinds: Kinds) -> None:
    assert take(Ledger(), kinds) == first_stop(kinds)


@given(streams(), st.data())
def test_a_snapshot_between_changes_nothing(kinds: Kinds, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(kinds)))
    ledger = Ledger()
    stop = take(ledger, kinds[:cut])
    if stop is None:
        restored = msgspec.msgpack.decode(msgspec.msgpack.encode(ledger), type=Ledger)
        assert take(restored, kinds, cut) == first_stop(kinds)


@given(streams(), streams())
def test_what_was_let_pass_once_stops_no_rebuild_and_what_comes_after_still_does(passed: Kinds, after: Kinds) -> None:
    assert take(Ledger(), passed, is_limited=False) is None
    rebuilt = Ledger()
    rebuilt.was_passed([len(passed)] * len(FEEDS))
    stop = take(rebuilt, passed + after)
    assert stop is None or stop >= len(passed)
    assert sum(rebuilt.reasons.values()) == len([kind for kind in (passed + after)[: _end(stop)] if kind != GOOD])
    endless = Ledger()
    endless.was_passed([len(passed)] * len(FEEDS))
    assert take(endless, [*passed, *[BAD] * (REJECTIONS_IN_A_ROW + 1)]) is not None


def _end(stop: int | None) -> int | None:
    return None if stop is None else stop + 1


def test_one_wrong_producer_among_others_stops_nobody_and_hides_no_other_fault() -> None:
    nearly_half = [MISPLACED if number % 100 < 49 else GOOD for number in range(40_000)]
    assert take(Ledger(), nearly_half) is None
    most = [MISPLACED if number % 100 < 55 else GOOD for number in range(40_000)]
    assert take(Ledger(), most) == first_stop(most)
    assert take(Ledger(), [kind or BAD for kind in nearly_half]) is not None


def test_what_passes_while_the_limit_is_off_is_not_held_against_what_comes_after() -> None:
    for kind in (BAD, MISPLACED):
        ledger = Ledger()
        assert take(ledger, [kind] * 20_000, is_limited=False) is None
        assert take(ledger, [kind] * 20_500, 20_000) is None


@pytest.mark.parametrize("is_misplaced", [False, True])
def test_the_error_survives_a_change_of_process(*, is_misplaced: bool) -> None:
    error = DeadLetterLimitError(3, 501, is_misplaced=is_misplaced)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.is_misplaced) == (str(error), is_misplaced)
