"""The dispatcher agent: takes what all partitions sent, and gives each owner a digest of every day."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

import msgspec

from models.catalogue.rules import Rules
from models.digests.backlog import BEGINNING, Resume
from models.digests.lists import Day, Kept, Lists
from schemas.digest import DigestV1, encode_digest
from schemas.reviewed import decode_told
from schemas.topics import Topics
from streams.agents.sole import CLAIM_KEY, Reader, SoleAgent, payload_of
from streams.transport.changelog import Changelog
from streams.transport.producer import Outputs
from streams.transport.published import SHARED_PARTITION

DONE_KEY: Final = b"\0done"
"""The key of the record that says which boundary was done last, and from where the topic is to be read."""

log = logging.getLogger("churn")

_encoder: Final = msgspec.json.Encoder()
_kept: Final[msgspec.json.Decoder[Kept]] = msgspec.json.Decoder(Kept)
_resume: Final = msgspec.json.Decoder(Resume)


class DispatcherAgent(SoleAgent):
    """Owns the one partition of what goes on owners' lists. A crash may send a digest twice, byte by byte alike."""

    def __init__(
        self, rules: Rules, partitions: int, topics: Topics, outputs: Outputs, changelog: Changelog, read: Reader
    ) -> None:
        super().__init__(changelog, read)
        self.lists: Lists | None = None
        self.refused = 0
        """Records of the topic that are none of ours."""
        self.sent: Counter[str] = Counter()
        """Digests by owner."""
        self.newest: dict[str, DigestV1] = {}
        """By owner, the digest sent last."""
        self._rules, self._partitions, self._topics, self._outputs = rules, partitions, topics, outputs

    def begin(self, records: dict[bytes, bytes]) -> int:
        """Go on from the open alerts of the last boundary; where these cannot be read, from the whole topic."""
        key = DONE_KEY
        try:
            done = records.get(key)
            at = BEGINNING if done is None else _resume.decode(payload_of(done))
            found: dict[str, Kept] = {}
            for key in records.keys() - {CLAIM_KEY, DONE_KEY}:
                found[key.decode()] = _kept.decode(payload_of(records[key]))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            told = "the record %r of %s cannot be read (%s): the lists are made anew from %s"
            log.error(told, key, self._changelog.topic, type(error).__name__, self._topics.attention)  # noqa: TRY400
            self.refused += 1
            at, found = BEGINNING, {}
        self.lists = Lists(self._rules, self._partitions, kept=found, at=at)
        return at.offset

    def note(self, offset: int, value: bytes | None) -> None:
        """Take a revision, how far a partition is, or who is erased; none is what says that a record is to vanish."""
        assert self.lists is not None  # nothing is taken before `restored`
        if value is None:
            return
        try:
            self.lists.take(decode_told(value), offset)
        except (msgspec.MsgspecError, ValueError) as error:
            self.refused += 1
            log.error("record %d of %s is left out (%s)", offset, self._topics.attention, type(error).__name__)  # noqa: TRY400 - told, no crash

    def work(self) -> None:
        """Make the digests of every boundary that is complete."""
        assert self.lists is not None  # nothing is taken before `restored`
        for day in self.lists.days():
            self._send(day)
            self.progress()

    def _send(self, day: Day) -> None:
        """Send the digests of a boundary, and keep what it made of the alerts; that it is done is written last."""
        assert self.lists is not None
        for digest in day.digests:
            key, value = digest.owner.encode(), encode_digest(digest)
            self._outputs.send(self._topics.digests, SHARED_PARTITION, key, value)
            self.sent[digest.owner] += 1
            self.newest[digest.owner] = digest
        for name, kept in day.changes.items():
            self.keep(name.encode(), None if kept is None else self.prefixed(_encoder.encode(kept)))
        self.keep(DONE_KEY, self.prefixed(_encoder.encode(self.lists.resume())))

    def forget(self) -> None:
        """Whoever owns the partition now begins from the last boundary."""
        self.lists = None
        self.newest.clear()
