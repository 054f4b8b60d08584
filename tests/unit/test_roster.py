"""The roster: which row a customer has, and who has a row."""

from __future__ import annotations

import numpy as np
import pytest

from models.customers.roster import Roster
from models.customers.texts import Texts


def roster_of(*ids: str) -> Roster:
    roster = Roster()
    roster.enrol(ids)
    return roster


def test_rows_are_given_in_order_of_first_sight() -> None:
    roster = roster_of("b", "a")
    assert roster.enrol(["c", "a", "d", "c"]).tolist() == [2, 1, 3, 2]
    assert roster.ids == ["b", "a", "c", "d"]
    assert [roster.id_of(row) for row in range(4)] == roster.ids
    assert roster.ids_since(3) == ["d"]
    assert roster.ids_of(np.array([3, 0], np.int32)) == ["d", "b"]


def test_asking_gives_nobody_a_row() -> None:
    roster = roster_of("a")
    assert roster.rows_of(["b", "a", "b"]).tolist() == [-1, 0, -1]
    assert roster.rows_of([f"b{number}" for number in range(100)]).tolist() == [-1] * 100
    assert roster.row_of("b") is None
    assert len(roster) == 1


def test_nobody_is_known_to_an_empty_roster() -> None:
    roster = Roster()
    assert roster.rows_of(["a"] * 100).tolist() == [-1] * 100
    assert roster.rows_of([]).tolist() == roster.enrol([]).tolist() == []
    assert roster.ids == roster.ids_of([]) == roster.ids_since(0) == []


@pytest.mark.parametrize("asked", [3, 100])
def test_ids_that_differ_in_one_letter_are_told_apart_though_their_hashes_are_the_same(asked: int) -> None:
    roster = Roster(lambda _: -5)
    for length in (1, 7, 8, 9, 16, 64, 200):
        name = "x" * length
        alike = [name[:place] + "y" + name[place + 1 :] for place in range(length)]
        rows = roster.enrol([name, *alike])
        assert len(set(rows.tolist())) == length + 1
        assert roster.rows_of((alike * asked)[:asked]).tolist() == (rows[1:].tolist() * asked)[:asked]


def test_an_id_that_begins_or_ends_as_another_is_somebody_else() -> None:
    ids = ["ab" * 40, "ab" * 39, "b" + "ab" * 39, "", "a", "\0", "a\0", "\0a"]
    roster = Roster(lambda _: 0)
    assert roster.enrol(ids * 9).tolist() == [*range(8)] * 9
    assert roster.rows_of(["a" * number for number in range(2, 60)]).tolist() == [-1] * 58


def test_a_table_that_grows_loses_nobody() -> None:
    roster, ids = Roster(), [f"customer-{number:06}" for number in range(30_000)]
    for first in range(0, len(ids), 700):
        part = ids[first : first + 700]
        assert roster.enrol(part).tolist() == [*range(first, first + len(part))]
    assert roster.rows_of(ids).tolist() == [*range(len(ids))]
    assert roster.rows_of([name.upper() for name in ids]).tolist() == [-1] * len(ids)


def test_a_customer_costs_less_than_forty_bytes() -> None:
    roster = Roster()
    for first in range(0, 250_000, 5_000):
        roster.enrol([f"customer-{number:07}" for number in range(first, first + 5_000)])
    assert roster.nbytes < 40 * len(roster)


def test_a_roster_goes_on_from_what_a_snapshot_keeps() -> None:
    first, again = roster_of("a", "böse", "c"), Roster()
    kept = {name: array.copy() for name, array in first.to_arrays().items()}
    first.enrol(["d"])
    again.set_arrays(kept)
    assert again.ids == ["a", "böse", "c"]
    assert again.enrol(["e", "böse"]).tolist() == [3, 1]


def test_what_a_snapshot_looks_at_stays_as_it_was() -> None:
    roster = roster_of("a", "b")
    kept = roster.to_arrays()
    before = {name: array.tolist() for name, array in kept.items()}
    roster.enrol([f"c{number}" for number in range(1_000)])
    assert {name: array.tolist() for name, array in kept.items()} == before


def test_places_beyond_two_thousand_million_bytes_are_kept() -> None:
    texts = Texts.of(["a" * 100])
    texts._ends.append(np.array([3_000_000_000]))
    assert texts._ends.array.tolist() == [8, 108, 3_000_000_000]
