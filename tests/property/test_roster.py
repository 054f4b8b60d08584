"""The roster equals a dict, whatever the ids and however they are spread; an id has a character at least."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customers.roster import Roster

HASHES = pytest.mark.parametrize(
    "hashed",
    [hash, lambda _: 0, lambda _: (1 << 63) - 1, len, lambda name: hash(name) % 3 << 7],
    ids=["own", "none", "the highest", "length", "three"],
)
ANY = st.text(min_size=1, max_size=70)
ALIKE = st.text("ab", min_size=1, max_size=20)
LEGAL = st.from_regex(r"[A-Za-z0-9_.@-]{1,64}", fullmatch=True)
FRAMES = st.lists(st.tuples(st.booleans(), st.lists(ALIKE | LEGAL | ANY, max_size=120)), max_size=8)


@HASHES
@given(frames=FRAMES)
def test_rows_are_those_of_a_dict(hashed: Callable[[str], int], frames: list[tuple[bool, list[str]]]) -> None:
    roster, truth = Roster(hashed), dict[str, int]()
    for is_asked, ids in frames:
        if is_asked:
            assert roster.rows_of(ids).tolist() == [truth.get(one, -1) for one in ids]
        else:
            assert roster.enrol(ids).tolist() == [truth.setdefault(one, len(truth)) for one in ids]
        assert len(roster) == len(truth)
    everybody = list(truth)
    assert roster.ids == everybody
    assert roster.rows_of(everybody).tolist() == list(truth.values())
    assert roster.ids_of([*truth.values()][::-1]) == everybody[::-1]
    assert [roster.id_of(row) for row in truth.values()] == everybody
    assert roster.ids_since(len(everybody) // 2) == everybody[len(everybody) // 2 :]
    assert [roster.row_of(one) for one in everybody] == list(truth.values())


@given(frames=FRAMES)
def test_a_roster_of_another_process_finds_the_same_rows(frames: list[tuple[bool, list[str]]]) -> None:
    roster, again = Roster(), Roster(lambda name: hash((name, "another seed")))
    for _, ids in frames:
        roster.enrol(ids)
    again.set_arrays(roster.to_arrays())
    more = [name for _, ids in frames for name in ids] + ["more", "and more", "more"]
    assert again.enrol(more).tolist() == roster.enrol(more).tolist()
    assert again.ids == roster.ids


@HASHES
@given(frames=FRAMES, dice=st.randoms(use_true_random=False))
def test_who_is_erased_is_known_no_more_and_all_others_keep_their_rows(
    hashed: Callable[[str], int], frames: list[tuple[bool, list[str]]], dice: random.Random
) -> None:
    roster, truth, size = Roster(hashed), dict[str, int](), 0
    for is_erased, ids in frames:
        if is_erased and truth:
            gone = dice.sample(sorted(truth), dice.randint(1, len(truth)))
            roster.erase(np.array(sorted(truth.pop(one) for one in gone), np.int32))
        else:
            for one in dict.fromkeys(ids):
                if one not in truth:
                    truth[one], size = size, size + 1
            assert roster.enrol(ids).tolist() == [truth[one] for one in ids]
        assert (len(roster), roster.holes) == (size, size - len(truth))
        assert roster.rows_of(ids).tolist() == [truth.get(one, -1) for one in ids]
    again = Roster(hashed)
    again.set_arrays(roster.to_arrays())
    assert again.rows_of([*truth]).tolist() == [*truth.values()]
    assert (again.ids, again.holes) == (roster.ids, roster.holes)
