"""How far partitions were decided, by the records of their changelog alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.engine.frozen import SNAPSHOT_FORMAT
from models.engine.partition import Partition
from schemas.erasure import erased_name
from schemas.topics import Topics
from streams.agents.restoring import RestoreSource, as_loaded
from streams.diagnosis.agreement import differences
from streams.errors import EXIT_SETUP, SetupError
from streams.readback.decided import Decided, decided_in, until_ms
from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.load import Loaded
from streams.transport.snapshots.records import (
    MANIFEST_FORMAT,
    Begun,
    Claim,
    Key,
    Manifest,
    Passed,
    from_value,
    refuse_other_count,
    to_key,
    to_value,
)
from support.builders import DAY_MS
from support.snapshots import covered
from support.troubled import default_rules


class Message:
    """A record of the changelog, as far as it is looked at."""

    def __init__(self, key: Key, value: bytes | None, partition: int = 0) -> None:
        self._key, self._value, self._partition = to_key(key), value, partition

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def partition(self) -> int:
        return self._partition


def claim(epoch: int) -> Any:
    return Message(Key("claim", epoch), to_value(Claim(epoch, "me")))


def manifest(epoch: int, boundary: int, *, generation: int = 0, version: int = MANIFEST_FORMAT, **more: Any) -> Any:
    about = covered(boundary, **({"partitions": 6, "state_format": SNAPSHOT_FORMAT} | more))
    whole = Manifest(
        **{name: getattr(about, name) for name in about.__struct_fields__},
        format=version, epoch=epoch, owner="me", generation=generation, chunks=1, checksum="", size=1,
    )  # fmt: skip
    return Message(Key("manifest", epoch, generation), to_value(whole))


def begun(epoch: int, *boundaries: int) -> Any:
    passed = tuple(Passed(boundary, None, {}) for boundary in boundaries)
    return Message(Key("begun", epoch), to_value(Begun(epoch, "me", passed)))


def test_boundaries_begun_since_the_newest_snapshot_count() -> None:
    found = decided_in([claim(1), manifest(1, 20_000), begun(1, 20_001, 20_002)])
    about = covered(0)
    assert found == {0: Decided(20_002, "UTC", 6, about.catalogue, about.alerts_from_ms, state_format=SNAPSHOT_FORMAT)}
    assert until_ms(found) == {0: 20_002 * DAY_MS}
    older = decided_in([claim(1), manifest(1, 20_000), begun(1, 20_001, 20_002), manifest(1, 20_001, generation=1)])
    assert older[0].boundary == 20_002


def test_what_a_replaced_worker_wrote_counts_for_nothing() -> None:
    found = decided_in([claim(1), manifest(1, 20_000), claim(2), begun(1, 20_009), manifest(1, 20_008, generation=1)])
    assert found[0].boundary == 20_000


def test_a_partition_that_was_rebuilt_is_as_far_as_it_is_now() -> None:
    assert decided_in([claim(1), manifest(1, 20_000), claim(2), manifest(2, -1)])[0].boundary == -1
    assert until_ms(decided_in([claim(1), manifest(1, -1)])) == {}


def test_what_is_deleted_damaged_or_foreign_is_passed_over() -> None:
    damaged = Message(Key("manifest", 1, 1), b"00000000 {}")
    gone = Message(Key("begun", 1), None)
    foreign: Any = Message(Key("chunk", 1, 1, 0), b"x")
    assert decided_in([claim(1), manifest(1, 20_000), damaged, gone, foreign])[0].boundary == 20_000  # type: ignore[list-item] # as far as it is looked at
    assert decided_in([claim(1)]) == {}


def test_the_midnight_is_that_of_the_zone_the_days_were_counted_in() -> None:
    assert until_ms(decided_in([manifest(1, 20_000, zone="Europe/Berlin")])) == {0: 20_000 * DAY_MS - 7_200_000}


def test_partitions_that_were_added_are_refused() -> None:
    with pytest.raises(SetupError, match="CHURN_PARTITIONS: 12, but the snapshots in t are of 6 partitions"):
        refuse_other_count(6, 12, "t")
    refuse_other_count(0, 12, "t")
    refuse_other_count(12, 12, "t")


def test_a_worker_goes_on_from_no_snapshot_of_another_number_of_partitions() -> None:
    rules, topics = default_rules(), Topics("churn")
    source = RestoreSource({}, topics, "g-v1", rules, lambda number: Partition(rules, number=number), 12)
    whole = from_value(Manifest, manifest(1, 20_000, partitions=6).value())
    loaded = Loaded(topics.changelog, 0, whole, (), (), {}, 1, (), frozenset(), 0, 0, ())
    with pytest.raises(StopWorkerError, match="are of 6 partitions: customers would be counted in two") as caught:
        as_loaded(source, loaded)
    assert caught.value.exit_code == EXIT_SETUP


def test_what_is_set_otherwise_than_the_state_was_made_is_said_by_its_partitions() -> None:
    rules = default_rules()
    ours = Decided(20_000, "UTC", 6, rules.hash, state_format=SNAPSHOT_FORMAT, currency="USD")
    other, abroad = replace(ours, catalogue="bbbb"), replace(ours, zone="Europe/Berlin")
    salted, paid = replace(ours, salt=erased_name("another", "")), replace(ours, currency="EUR")
    blank, same = Decided(-1, "UTC", 6), replace(ours, salt=erased_name(rules.basis.erasure_salt, ""))
    assert list(differences([ours, blank, same], rules)) == []
    said = list(differences([ours, other, other, abroad, salted, paid], rules))
    assert [one.level for one in said] == ["problem", "problem", "problem", "warning"]
    assert "1 partition with days of Europe/Berlin, but CHURN_ZONE is UTC here" in said[0].text
    assert "1 partition with amounts in EUR, but the catalogue's currency is USD here" in said[1].text
    assert "1 partition whose erased customers were hashed with another CHURN_ERASURE_SALT" in said[2].text
    assert f"2 partitions last judged by catalogue bbbb, here it is {rules.hash}" in said[3].text


@pytest.mark.parametrize(("written", "told"), [({"state_format": SNAPSHOT_FORMAT + 1}, "format "), ({}, "an earlier ")])
def test_state_that_this_program_cannot_go_on_from_is_said(written: dict[str, int], told: str) -> None:
    of_others = {0: manifest(1, 20_000, **{"state_format": 0, **written}), 1: manifest(1, 20_000)}
    found = {number: decided_in([claim(1), one])[0] for number, one in of_others.items()}
    (said,) = differences([replace(one, catalogue="") for one in found.values()], default_rules())
    assert said.level == "problem"
    assert f"1 partition with a snapshot of {told}" in said.text
    assert f"this program reads {SNAPSHOT_FORMAT}" in said.text
    assert "Start the program that wrote it, or begin anew" in said.text


def test_manifests_of_another_program_are_refused_by_whoever_asks_how_far_it_came() -> None:
    other = manifest(2, 20_001, version=MANIFEST_FORMAT + 1)
    with pytest.raises(SetupError, match=rf"format {MANIFEST_FORMAT + 1}, this program reads .*CHURN_APP_VERSION"):
        decided_in([claim(1), manifest(1, 20_000), claim(2), other])
    replaced = manifest(1, 20_001, version=MANIFEST_FORMAT + 1)
    assert decided_in([claim(2), manifest(2, 20_000), replaced])[0].boundary == 20_000
