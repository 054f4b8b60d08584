"""The dispatcher agent: takes what all partitions sent, and gives each owner a digest of every day."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from models.catalogue.catalogue import rules_again
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules
from models.digests.backlog import BEGINNING, Resume
from models.digests.lists import Day, Kept, Lists
from schemas.digest import DigestV1, encode_digest
from schemas.epoch import payload_of, with_epoch
from schemas.reviewed import decode_told
from schemas.topics import Topics
from streams.agents.sole import CLAIM_KEY, Reader, SoleAgent
from streams.transport.changelog import Changelog
from streams.transport.producer import FLUSH_TIMEOUT_S, Outputs, flushed
from streams.transport.published import SHARED_PARTITION
from streams.transport.records import Record

RULES_KEY: Final = b"\0rules"
"""The key of the record that has the catalogue of the newest digests: one that is started with another goes on by it
until all partitions have taken the other up."""
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
        self._kept_rules = ""
        self.refused = 0
        """Records of the topic that are none of ours."""
        self.sent: Counter[str] = Counter()
        """Digests by owner."""
        self.newest: dict[str, DigestV1] = {}
        """By owner, the digest sent last."""
        self._unkept: list[tuple[bytes, bytes | None]] = []
        """Records of days whose digests were sent: they are kept once the broker has the digests, which nobody would
        send again otherwise."""
        self._rules, self._partitions, self._topics, self._outputs = rules, partitions, topics, outputs

    def begin(self, records: dict[bytes, bytes]) -> int:
        """Go on from the open alerts of the last boundary; where these cannot be read, from the whole topic."""
        key = DONE_KEY
        try:
            done = records.get(key)
            at = BEGINNING if done is None else _resume.decode(payload_of(done))
            found: dict[str, Kept] = {}
            for key in records.keys() - {CLAIM_KEY, DONE_KEY, RULES_KEY}:
                found[key.decode()] = _kept.decode(payload_of(records[key]))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            told = "the record %r of %s cannot be read (%s): the lists are made anew from %s"
            log.error(told, key, self._changelog.topic, type(error).__name__, self._topics.attention)  # noqa: TRY400
            self.refused += 1
            at, found = BEGINNING, {}
        earlier = self._earlier(records.get(RULES_KEY))
        self.lists = Lists(self._rules, self._partitions, kept=found, at=at, others=earlier)
        return at.offset

    def _earlier(self, value: bytes | None) -> list[Rules]:
        """The catalogue of the newest digests, unless it is ours; none where this program cannot read it any more."""
        text = "" if value is None else payload_of(value).decode(errors="replace")
        self._kept_rules = text
        if text in ("", self._rules.text):
            return []
        try:
            return [rules_again(text, self._rules)]
        except (CatalogueError, ValueError) as error:
            told = "the catalogue of earlier lists cannot be read by this program (%s): they follow the one in force"
            log.error(told, type(error).__name__)  # noqa: TRY400 - told, no crash
            return []

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
        """Send the digests of every boundary that is complete."""
        assert self.lists is not None  # nothing is taken before `restored`
        for day in self.lists.days():
            for digest in day.digests:
                key, value = digest.owner.encode(), encode_digest(digest)
                self._outputs.send(self._topics.digests, SHARED_PARTITION, key, value)
                self.sent[digest.owner] += 1
                self.newest[digest.owner] = digest
            self._unkept += self._records_of(day)
            self.progress()

    def _records_of(self, day: Day) -> Iterator[tuple[bytes, bytes | None]]:
        """What a boundary made of the alerts; that it is done is written last."""
        assert self.lists is not None
        for name, kept in day.changes.items():
            yield name.encode(), None if kept is None else with_epoch(_encoder.encode(kept), self.epoch)
        if self.lists.rules.text != self._kept_rules:
            self._kept_rules = self.lists.rules.text
            yield RULES_KEY, with_epoch(self._kept_rules.encode(), self.epoch)
        yield DONE_KEY, with_epoch(_encoder.encode(self.lists.resume()), self.epoch)

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:
        """Take records, in any order; what is done by them is kept."""
        await super().take(partition, sequence, records)
        unkept = self._unkept
        if unkept and await flushed(self._outputs, FLUSH_TIMEOUT_S) and self._unkept is unkept:
            self._unkept = []
            for key, value in unkept:
                self.keep(key, value)

    def is_behind(self, partition: int) -> bool:  # noqa: ARG002 - the port's
        """Whether something is done that is not kept."""
        return bool(self._unkept)

    def forget(self) -> None:
        """Whoever owns the partition now begins from the last boundary."""
        self.lists, self._unkept = None, []
        self.newest.clear()
