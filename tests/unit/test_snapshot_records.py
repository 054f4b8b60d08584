"""What a partition's changelog amounts to, record by record and without a broker."""

from __future__ import annotations

import msgspec
import pytest

from streams.errors import EXIT_SETUP
from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.chunks import pack
from streams.transport.snapshots.load import Loaded, Pile
from streams.transport.snapshots.origin import Beginnings, check_origin
from streams.transport.snapshots.ownership import MOST_TURNS, Contest, Owned, rival_of
from streams.transport.snapshots.records import (
    MANIFEST_FORMAT,
    Begun,
    Claim,
    Key,
    Manifest,
    OtherSnapshotError,
    Passed,
    to_key,
    to_value,
)
from support.snapshots import covered

Records = list[tuple[bytes, bytes | None]]


def claim(epoch: int, owner: str = "a") -> Records:
    return [(to_key(Key("claim", epoch)), to_value(Claim(epoch, owner)))]


def begun(epoch: int, *boundaries: int, model: str | None = None) -> Records:
    passed = tuple(Passed(boundary, model, {"in": boundary}) for boundary in boundaries)
    return [(to_key(Key("begun", epoch)), to_value(Begun(epoch, "a", passed)))]


def snapshot(
    epoch: int, generation: int, payload: bytes, *, boundary: int = 10, version: int = MANIFEST_FORMAT
) -> Records:
    packed = pack([payload])
    manifest = Manifest(
        **msgspec.structs.asdict(covered(boundary)),
        format=version,
        epoch=epoch,
        owner="a",
        generation=generation,
        chunks=len(packed.pieces),
        checksum=packed.checksum,
        size=packed.size,
    )
    chunks: Records = [(to_key(Key("chunk", epoch, generation, n)), piece) for n, piece in enumerate(packed.pieces)]
    return [*chunks, (to_key(Key("manifest", epoch, generation)), to_value(manifest))]


def deleted(records: Records) -> Records:
    return [(key, None) for key, _ in records]


def damaged(records: Records, which: int) -> Records:
    key, value = records[which]
    assert value is not None
    return [*records[:which], (key, value[:-1] + bytes([value[-1] ^ 1])), *records[which + 1 :]]


def loaded(*parts: Records) -> Loaded:
    pile = Pile("log", 0)
    for offset, (key, value) in enumerate(record for part in parts for record in part):
        if value is None:
            pile.delete(offset, key, 1)
        else:
            pile.add(offset, key, value)
    return pile.loaded()


def test_an_empty_partition_has_no_snapshot_and_epoch_0() -> None:
    found = loaded()
    assert (found.manifest, found.payload(), found.highest_epoch, found.end) == (None, None, 0, 0)


def test_the_newest_generation_of_the_highest_epoch_counts() -> None:
    found = loaded(
        claim(1), snapshot(1, 1, b"old"), snapshot(1, 2, b"older"), claim(2), snapshot(2, 1, b"new"), begun(2, 11, 12)
    )
    assert found.payload() == b"new"
    assert [one.boundary for one in found.begun] == [11, 12]


def test_chunks_without_their_manifest_count_for_nothing() -> None:
    found = loaded(claim(1), snapshot(1, 1, b"old"), snapshot(1, 2, b"new")[:-1])
    assert found.payload() == b"old"
    assert not found.problems


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_record_is_named_and_the_snapshot_before_it_used(which: int) -> None:
    found = loaded(claim(1), snapshot(1, 1, b"old"), damaged(snapshot(1, 2, b"new"), which))
    assert found.payload() == b"old"
    key = "1/2/0" if which == 0 else "manifest/1/2"
    assert [str(problem) for problem in found.problems] == [
        f"log/0 offset {3 + which} key {key}: its checksum is another one"
    ]


def test_a_missing_chunk_is_named() -> None:
    found = loaded(claim(1), snapshot(1, 1, b"old"), snapshot(1, 2, b"new")[1:])
    assert found.payload() == b"old"
    assert [str(problem) for problem in found.problems] == ["log/0 key 1/2/0: is missing"]


def test_whole_chunks_of_another_payload_are_noticed() -> None:
    mixed = [snapshot(1, 2, b"other")[0], *snapshot(1, 2, b"right")[1:]]
    found = loaded(claim(1), snapshot(1, 1, b"old"), mixed)
    assert found.payload() == b"old"
    assert "make another payload" in found.problems[0].reason


def test_what_a_replaced_worker_writes_after_the_claim_counts_for_nothing() -> None:
    before = [claim(1), snapshot(1, 1, b"old"), begun(1, 11)]
    zombie = [snapshot(1, 2, b"zombie", boundary=12), deleted(snapshot(1, 1, b"old")), begun(1, 11, 12)]
    found = loaded(*before, claim(2), *zombie)
    assert found.payload() == b"old"
    assert [one.boundary for one in found.begun] == [11]
    assert Key("manifest", 1, 2) in found.keys, "to be swept"


def test_of_two_who_began_a_boundary_the_higher_epoch_is_believed() -> None:
    found = loaded(claim(1), snapshot(1, 1, b"x"), begun(1, 11, 12, model="m1"), claim(2), begun(2, 11, model="m2"))
    assert [(one.boundary, one.model) for one in found.begun] == [(11, "m2"), (12, "m1")]


def test_a_damaged_list_of_boundaries_is_named_and_the_one_before_it_used() -> None:
    found = loaded(claim(1), snapshot(1, 1, b"x"), begun(1, 11), damaged(begun(1, 11, 12), 0))
    assert [one.boundary for one in found.begun] == [11]
    assert [problem.key for problem in found.problems] == ["begun/1"]


@pytest.mark.parametrize("version", [MANIFEST_FORMAT - 1, MANIFEST_FORMAT + 1])
def test_another_program_s_snapshot_is_refused_by_name(version: int) -> None:
    said = rf"log/0 offset 4: a snapshot of format {version}.*CHURN_APP_VERSION"
    with pytest.raises(OtherSnapshotError, match=said):
        loaded(claim(1), snapshot(1, 1, b"old"), snapshot(1, 2, b"new", version=version))


def test_a_deleted_epoch_is_remembered() -> None:
    assert loaded(claim(7), deleted(claim(7))).highest_epoch == 7


def test_a_higher_claim_of_another_owner_is_a_rival() -> None:
    claims = loaded(claim(1), claim(2, "b"), claim(3, "a")).claims
    assert rival_of(claims, 3, "a") is None
    assert rival_of(claims, 2, "b") == claims[2]


def test_two_who_take_turns_by_the_second_are_told_and_one_gives_up_first() -> None:
    turns = [claim(epoch, "ab"[epoch % 2]) for epoch in range(1, 40)]
    contests = {"a": Contest("a"), "b": Contest("b")}
    given_up: list[tuple[str, int]] = []
    for at in range(1, len(turns)):
        owner = "ab"[(at + 1) % 2]
        try:
            contests[owner].check([Owned(loaded(*turns[: at + 1]), at + 1)], at * 1.0)
        except StopWorkerError:
            given_up.append((owner, at))
    name, at = given_up[0]
    assert name == "a"
    assert at <= 2 * MOST_TURNS + 2
    assert min(at for name, at in given_up if name == "b") > 2 * at


def test_partitions_that_come_back_after_minutes_are_no_contest() -> None:
    contest = Contest("a")
    for epoch in range(1, 60, 2):
        contest.check([Owned(loaded(claim(epoch, "a"), claim(epoch + 1, "b"), claim(epoch + 2, "a")), 3)], epoch * 60.0)


NEW = Beginnings(0, {}, {"in": 0})


def test_a_partition_that_never_had_anything_is_new() -> None:
    assert check_origin(loaded(claim(1)), NEW) is None
    assert check_origin(loaded(claim(1)), Beginnings(0, {"in": 0}, {"in": 500})) is None


@pytest.mark.parametrize(
    ("parts", "found", "sign"),
    [
        ([], Beginnings(0, {"in": 90}, {"in": 0}), "in/0 was read up to offset 90"),
        ([], Beginnings(12, {}, {"in": 0}), "it begins at offset 12"),
        ([damaged(snapshot(1, 1, b"x"), 0)], NEW, "key 1/1/0: its checksum is another one"),
        ([begun(1, 11)], NEW, "boundaries were passed"),
        ([[(b"customer-1", b"state")]], NEW, "1 record of an earlier program"),
    ],
)
def test_without_a_snapshot_it_is_rebuilt_from_inputs_or_refused(
    parts: list[Records], found: Beginnings, sign: str
) -> None:
    said = check_origin(loaded(*parts), found)
    assert said is not None
    assert sign in said
    assert "rebuilt from the inputs" in said
    cut = Beginnings(found.log_start, found.committed, {"in": 0, "in2": 40})
    with pytest.raises(StopWorkerError, match=r"in2/0 now begins at offset 40.*CHURN_APP_VERSION") as caught:
        check_origin(loaded(*parts), cut)
    assert sign in str(caught.value)
    assert caught.value.exit_code == EXIT_SETUP
