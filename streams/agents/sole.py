"""What agents share that own one partition, alone in the deployment: a claim, a restore, records kept by key.

What came since the state was kept last lies nowhere but on the topic that they read: after a restore it is read again
from the offset that the state names. Where the group's committed offset stands does not matter.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from schemas.epoch import epoch_of, with_epoch
from streams.transport.changelog import Changelog
from streams.transport.records import Record

CLAIM_KEY: Final = b"\0partition"
"""The key of the record that says who writes."""

Reader = Callable[[int], Iterable[tuple[int, bytes | None]]]
"""The topic's records from an offset to its present end: (offset, value)."""


class SoleAgent:
    """Owns the one partition of a topic. See `transport.owner.RecordOwner`."""

    def __init__(self, changelog: Changelog, read: Reader) -> None:
        self.progress: Callable[[], None] = lambda: None
        """Called while a backlog is worked off, which takes minutes."""
        self._changelog, self._read = changelog, read
        self._records: dict[bytes, bytes] = {}
        self.epoch = 0

    @abstractmethod
    def begin(self, records: dict[bytes, bytes]) -> int:
        """Go on from the records kept; the offset from which on the topic was not worked off."""

    @abstractmethod
    def note(self, offset: int, value: bytes | None) -> None:
        """Take a record; one known already is left out."""

    @abstractmethod
    def work(self) -> None:
        """Do what can be done with what was noted."""

    @abstractmethod
    def forget(self) -> None:
        """Whoever owns the partition now reads it again."""

    def restored(self, partition: int, records: dict[bytes, bytes]) -> None:
        """Go on from what was kept, with the records that are not in it."""
        self._records, self._partition = records, partition
        self.epoch = 1 + max((int.from_bytes(epoch_of(value), "big") for value in records.values()), default=0)
        self.keep(CLAIM_KEY, with_epoch(b"{}", self.epoch))
        for offset, value in self._read(self.begin(records)):
            self.progress()
            self.note(offset, value)
        self.work()

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's
        """Take records, in any order."""
        for record in records:
            self.progress()
            self.note(record.offset, record.value)
        self.work()

    def committed(self, partition: int, sequence: int) -> None:
        """Nothing is kept for it."""

    def is_behind(self, partition: int) -> bool:  # noqa: ARG002 - the port's
        """Never: what is read is worked off at once."""
        return False

    def revoked(self, partition: int) -> None:  # noqa: ARG002 - the port's
        """Forget everything."""
        self.forget()

    def rewrite(self, partition: int, key: bytes) -> None:
        """Put our record behind one that an earlier owner wrote too late."""
        self._changelog.write(partition, key, self._records.get(key))

    def keep(self, key: bytes, value: bytes | None) -> None:
        """Write a key's record, None to delete it."""
        if value is None:
            self._records.pop(key, None)
        else:
            self._records[key] = value
        self._changelog.write(self._partition, key, value)
