"""What the changelog of a partition holds: snapshots, boundaries begun, versions of the model, claims; and their keys.

    manifest/<epoch>/<generation>       what a snapshot covers, and how to know it is whole
    <epoch>/<generation>/<number>       a piece of it, compressed
    begun/<epoch>                       boundaries passed since
    model/<epoch>/<boundary>            the version of the model that judged them, from this boundary on
    claim/<epoch>                       who took the partition over

A generation has a manifest of its own: the one before it must stay readable until the next is complete. All values but
the chunks are text: a checksum in hexadecimal, a blank, JSON.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec

from streams.errors import SetupError
from streams.settings import variable_of

MANIFEST_FORMAT: Final = 2
"""Of manifests, chunks and keys. What the payload is like is said in the payload, and as `state_format` beside it."""
OTHER_FORMAT: Final = (
    "Start the program that wrote it, or begin anew from the event topics with another CHURN_APP_VERSION."
)
"""What to do about state that another program wrote."""


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot stands for; the owner of the partition knows.

    `sources`: of each input topic the next offset that is not in it; `clocks`: its greatest timestamp before that.
    `outputs`: of each output topic an end of before the copy: what was published of later events lies behind it.
    `topic_ids`: by which a topic made anew is recognised. `partitions`: how many there are of each input; 0 is unknown.
    """

    boundary: int
    zone: str
    catalogue: str
    alerts_from_ms: int
    sources: dict[str, int]
    clocks: dict[str, int] = {}
    topic_ids: dict[str, str] = {}
    outputs: dict[str, int] = {}
    partitions: int = 0
    rules: str = ""
    """The catalogue itself: a worker of another one goes on with it up to the boundary at which its own takes over."""
    judged_by: tuple[tuple[int, str], ...] = ()
    """Since which boundary which catalogue judges, by its hash; the newest last."""
    state_format: int = 0
    """Of the payload: which programs can go on from it. 0: of one that did not say so."""
    currency: str = ""
    """Of every amount in the payload."""
    salt: str = ""
    """A hash of what ids of erased customers are hashed with; empty while nobody is erased."""


class Manifest(Covered, frozen=True, kw_only=True):
    """A snapshot that is complete: written once all its chunks are acknowledged.

    `owner`: a random token of the process. `checksum`: of the chunks. `size`: of what they unpack to.
    """

    format: int
    epoch: int
    owner: str
    generation: int
    chunks: int
    checksum: str
    size: int

    @property
    def place(self) -> tuple[int, int]:
        """Epoch and generation: the greater, the newer."""
        return self.epoch, self.generation


class Passed(msgspec.Struct, frozen=True):
    """A boundary that was passed: by which model and catalogue, and at which next offset of each input."""

    boundary: int
    model: str | None
    offsets: dict[str, int]
    catalogue: str = ""


class Begun(msgspec.Struct, frozen=True):
    """Every boundary passed since the older of the snapshots that are kept, in order.

    `rules`: the catalogues that judged them and are in no snapshot yet, by hash.
    """

    epoch: int
    owner: str
    passed: tuple[Passed, ...]
    rules: dict[str, str] = {}


class Pinned(msgspec.Struct, frozen=True):
    """A version of the model, as it was published: the models topic keeps the newest only."""

    model: str
    content: bytes


class Claim(msgspec.Struct, frozen=True):
    """A partition was taken over. Two owners that chose the same epoch are told apart by their tokens."""

    epoch: int
    owner: str


class DamagedError(Exception):
    """A value is not what was written."""


class OtherSnapshotError(SetupError):
    """Another program wrote the changelog: to go on from what is older would undo its work in silence."""


def refuse_other_format(value: bytes, where: str) -> None:
    """Raise OtherSnapshotError when a manifest, which lies there, is of another format than ours."""
    version = format_of(value)
    if version != MANIFEST_FORMAT:
        said = f"a snapshot of format {version}, this program reads {MANIFEST_FORMAT}"
        raise OtherSnapshotError(where, said, OTHER_FORMAT)


class Key(NamedTuple):
    """A key, taken apart."""

    kind: Literal["manifest", "chunk", "begun", "model", "claim"]
    epoch: int
    generation: int = 0
    """Of a version of the model the boundary."""
    number: int = 0


_NUMBERED: Final = re.compile(rb"(?:(manifest|begun|model|claim)/)?(\d+)(?:/(\d+))?(?:/(\d+))?")

_PARTS: Final = {"manifest": 2, "chunk": 3, "begun": 1, "model": 2, "claim": 1}
"""How many numbers a key of each kind has."""


def to_key(key: Key) -> bytes:
    """The bytes of a key.

    >>> to_key(Key("manifest", 3, 7)), to_key(Key("chunk", 3, 7, 0)), to_key(Key("claim", 3))
    (b'manifest/3/7', b'3/7/0', b'claim/3')
    """
    numbers = "/".join(map(str, key[1 : 1 + _PARTS[key.kind]]))
    return (numbers if key.kind == "chunk" else f"{key.kind}/{numbers}").encode()


def from_key(key: bytes) -> Key | None:
    """The parts of a key, None when it is none of ours.

    >>> from_key(b"3/7/0")
    Key(kind='chunk', epoch=3, generation=7, number=0)
    >>> from_key(b"customer-1"), from_key(b"3/7"), from_key(b"claim/3/1")
    (None, None, None)
    """
    found = _NUMBERED.fullmatch(key)
    if found is None:
        return None
    kind = found[1].decode() if found[1] else "chunk"
    numbers = [int(text) for text in found.groups()[1:] if text is not None]
    return Key(kind, *numbers) if len(numbers) == _PARTS[kind] else None  # type: ignore[arg-type] # the pattern knows the kinds


Noted = TypeVar("Noted", Manifest, Begun, Pinned, Claim)


def to_value(record: Manifest | Begun | Pinned | Claim) -> bytes:
    """The bytes of a record that is no chunk.

    >>> to_value(Claim(3, "ab12"))
    b'2ba85432 {"epoch":3,"owner":"ab12"}'
    """
    body = msgspec.json.encode(record)
    return b"%08x %b" % (zlib.crc32(body), body)


def from_value(kind: type[Noted], value: bytes) -> Noted:
    """The record in a value. Raises DamagedError.

    >>> from_value(Claim, to_value(Claim(3, "ab12")))
    Claim(epoch=3, owner='ab12')
    """
    checksum, _, body = value.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        raise DamagedError("its checksum is another one")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise DamagedError(str(error)) from error


def format_of(value: bytes) -> int:
    """The format of a manifest, whatever else has changed in it; of one that cannot be read, ours."""
    try:
        return int(msgspec.json.decode(value.partition(b" ")[2])["format"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return MANIFEST_FORMAT


def refuse_other_count(then: int, now: int, topic: str) -> None:
    """Raise SetupError when the customers of a snapshot were spread over another number of partitions; 0: unknown."""
    if then not in (0, now):
        raise SetupError(
            variable_of("partitions"),
            f"{now}, but the snapshots in {topic} are of {then} partitions: customers would be counted in two",
            f"Partitions that were added cannot be used. Choose another {variable_of('prefix')} with {now} partitions, "
            "and post everything there.",
        )
