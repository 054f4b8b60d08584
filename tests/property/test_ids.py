"""Ids of events are told apart, whatever they are made of and whoever stands beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.engine.ids import hashes

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4) | st.text(
    "\0\1a", min_size=1, max_size=5
)


@given(st.lists(ids, min_size=1, max_size=30))
def test_an_id_has_one_hash_alone_and_among_others_and_no_two_have_the_same(names: list[str]) -> None:
    together = hashes(names).tolist()
    assert together == [hashes([name])[0] for name in names]
    assert len(set(together)) == len(set(names))
