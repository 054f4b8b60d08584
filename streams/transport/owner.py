"""The product's side of the transport: what owns a partition while this worker does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.transport.records import Record


class Owner(Protocol):
    """Called on the worker's event loop only. Anything it raises stops the worker."""

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:
        """Process one frame, in order. Records may come again (a redelivery), never with one left out.

        A frame without records comes while `is_behind`: it gives time for some of the work that waits.

        `sequence` counts the frames of the partition since it was restored. When it returns, the frame may be committed
        as soon as all that was written and sent is acknowledged; when it raises, nothing of the frame is. While it
        waits for anything, the partition may be revoked, and the frame come again.
        """

    def committed(self, partition: int, sequence: int) -> None:
        """The frames up to `sequence` are committed: what was written and sent for them need not be sent again."""

    def is_behind(self, partition: int) -> bool:
        """Whether there is work that waits for no record: frames without records come until there is none."""

    def revoked(self, partition: int) -> None:
        """The partition now belongs to another worker."""


class RecordOwner(Owner, Protocol):
    """An owner whose state is a record for each key, written to a changelog as it changes."""

    def restored(self, partition: int, records: dict[bytes, bytes]) -> None:
        """A partition begins here: `records` is its newest state from the changelog, and from now on the owner's.

        Called again for a partition it already has when another worker may have owned it meanwhile. May write and send.
        """

    def rewrite(self, partition: int, key: bytes) -> None:
        """An earlier owner's record lies behind ours in the changelog: write the key's record (or tombstone) again."""
