"""Whose catalogue judges a partition that is restored, and since when it did."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from models.catalogue.catalogue import build_rules, rules_again
from models.engine.arrivals import Arrival, Passed
from models.engine.partition import Partition
from streams.agents.owned import OwnedPartition
from streams.agents.succession import catalogues_of, plan_recorded, succeed
from streams.readback.decided import Decided, decided_in
from streams.transport.published import Published
from streams.transport.snapshots.load import Loaded
from streams.transport.snapshots.ownership import Owned, begun_of
from streams.transport.snapshots.records import Begun, Key, Manifest, to_key, to_value
from streams.transport.snapshots.records import Passed as Noted
from support.builders import DAY_MS, login
from support.snapshots import covered
from support.troubled import FIRST_DAY, catalogue, default_rules

OURS = build_rules(catalogue() | {"attention": {"contact_days": 2}})
THEIRS = default_rules()


def manifest(boundary: int, **more: Any) -> Manifest:
    about = covered(boundary)
    fields = {name: getattr(about, name) for name in about.__struct_fields__} | more
    return Manifest(**fields, format=2, epoch=1, owner="me", generation=0, chunks=1, checksum="", size=1)


def loaded(rules: dict[str, str], *begun: Noted) -> Loaded:
    whole = manifest(FIRST_DAY, catalogue=THEIRS.hash, rules=rules.get(THEIRS.hash, ""))
    return Loaded("t", 0, whole, (), begun, {}, 1, (), frozenset(), 0, 0, (), rules)


def restored(*expected: Passed) -> OwnedPartition:
    """A partition judged by their catalogue, with a login of the third day."""
    partition = Partition(THEIRS)
    partition.observe([Arrival(1, 0, login("c1", (FIRST_DAY + 2) * DAY_MS + 5))])
    own = OwnedPartition(0, partition, catalogues={THEIRS.hash: THEIRS, OURS.hash: OURS})
    own.expected = list(expected)
    plan_recorded(own)
    return own


def boundaries(own: OwnedPartition) -> list[int]:
    return [one.boundary for one in own.partition.coming]


def test_ours_is_taken_up_at_the_first_boundary_whose_day_no_clock_has_reached(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = restored()
    with caplog.at_level(logging.WARNING):
        succeed(own, OURS)
    assert boundaries(own) == [FIRST_DAY + 3]
    assert own.partition.rules.hash == THEIRS.hash
    assert "--then 0:2024-10-06=FILE" in caplog.text
    same = restored()
    succeed(same, THEIRS)
    assert boundaries(same) == []


def test_what_is_on_record_or_was_fired_early_stays_decided() -> None:
    own = restored(Passed(FIRST_DAY + 5, (), None, THEIRS.hash))
    succeed(own, OURS)
    assert boundaries(own) == [FIRST_DAY + 6]
    own = restored(Passed(FIRST_DAY + 5, (), None, OURS.hash))
    succeed(own, OURS)
    assert boundaries(own) == [FIRST_DAY + 5]
    third = build_rules(catalogue() | {"attention": {"contact_days": 3}})
    succeed(own, third)
    assert boundaries(own) == [FIRST_DAY + 5, FIRST_DAY + 6]


def test_a_partition_that_took_nothing_in_is_ours_at_once() -> None:
    own = OwnedPartition(0, Partition(THEIRS), published=Published())
    succeed(own, OURS)
    assert own.partition.rules.hash == OURS.hash
    assert boundaries(own) == []


def test_a_catalogue_is_built_again_from_the_changelog_and_one_of_another_program_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert rules_again(THEIRS.text, OURS).hash == THEIRS.hash
    found = catalogues_of(loaded({THEIRS.hash: THEIRS.text}), OURS)
    assert {name: rules.hash for name, rules in found.items()} == {THEIRS.hash: THEIRS.hash}
    for text in ('{"version": 99}', "no JSON"):
        caplog.clear()
        found = catalogues_of(loaded({THEIRS.hash: text}), OURS)
        assert found[THEIRS.hash] is OURS
        assert "cannot be read by this program" in caplog.text


def test_catalogues_that_no_snapshot_has_lie_with_the_boundaries_they_judged() -> None:
    begun = (Noted(FIRST_DAY + 1, None, {}, THEIRS.hash), Noted(FIRST_DAY + 2, None, {}, "new"))
    owned = Owned(loaded({THEIRS.hash: THEIRS.text, "new": "its text", "old": "no more"}, *begun), 2)
    assert begun_of(owned, "me").rules == {"new": "its text"}


def test_since_when_which_catalogue_judges_is_read_from_the_changelog() -> None:
    def message(key: Key, value: bytes) -> Any:
        class Message:
            def key(self) -> bytes:
                return to_key(key)

            def value(self) -> bytes:
                return value

            def partition(self) -> int:
                return 0

        return Message()

    whole = manifest(FIRST_DAY + 4, catalogue="a", judged_by=((FIRST_DAY, "a"),))
    passed = (
        Noted(FIRST_DAY + 4, None, {}, "a"),
        Noted(FIRST_DAY + 5, None, {}, "b"),
        Noted(FIRST_DAY + 6, None, {}, "b"),
    )
    records = [
        message(Key("begun", 1), to_value(Begun(1, "me", passed))),
        message(Key("manifest", 1, 0), to_value(whole)),
        message(Key("begun", 1), to_value(Begun(1, "me", passed))),
    ]
    for order in (records, records[::-1][:2][::-1], records[:2]):
        (found,) = decided_in(order).values()
        assert isinstance(found, Decided)
        assert (found.boundary, found.catalogue) == (FIRST_DAY + 6, "b")
        assert found.judged_by == ((FIRST_DAY, "a"), (FIRST_DAY + 5, "b"))
