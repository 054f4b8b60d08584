"""The table of topics: the one place that names them, their keys, their partitions and their settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.event import FEEDS

DAY_MS: Final = 86_400_000

MIN_COMPACTION_LAG_MS: Final = 600_000
"""The last ten minutes are never compacted, so that a takeover sees who claimed the partition, and in which order."""

MAX_RECORD_BYTES: Final = 8_000_000
"""Of a record of the changelog. A piece of a snapshot stays below 900 kB; the list of boundaries begun has room too."""

FOR_EVER: Final = -1
"""Events carry their event time as the record's timestamp: any finite retention deletes posted history at once."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. `config` holds the broker's topic settings as text; `key` and `content` are for people."""

    name: str
    key: str
    content: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)

    @property
    def retention_ms(self) -> int | None:
        """How long records are kept: -1 for ever, None when the topic is compacted and never cut."""
        text = self.config.get("retention.ms")
        return None if text is None else int(text)

    @property
    def is_compacted(self) -> bool:
        """Whether the topic keeps the last record of each key, and no less."""
        return self.config.get("cleanup.policy") == "compact"


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of all topics under a prefix.

    >>> Topics("churn").event(0), Topics("acme").dead_letters
    ('churn.events.purchase', 'acme.dead-letters')
    """

    prefix: str = "churn"
    app_version: int = 1
    """State of another version is another topic: who raises it begins anew with the same events."""

    def event(self, feed: int) -> str:
        """The input topic of a feed, by its number in `FEEDS`."""
        return f"{self.prefix}.events.{FEEDS[feed]}"

    @property
    def events(self) -> tuple[str, ...]:
        """The input topics in the order of `FEEDS`."""
        return tuple(self.event(feed) for feed in range(len(FEEDS)))

    @property
    def ticks(self) -> str:
        """The clock, as data."""
        return f"{self.prefix}.ticks"

    @property
    def commands(self) -> str:
        """What people and programs say about alerts."""
        return f"{self.prefix}.commands"

    @property
    def moved(self) -> str:
        """What partitions tell each other of customers who were merged."""
        return f"{self.prefix}.moved"

    @property
    def receipts(self) -> str:
        """What became of each command."""
        return f"{self.prefix}.receipts"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What a worker reads: the events in the order of `FEEDS`, the clock, commands, what other partitions sent."""
        return (*self.events, self.ticks, self.commands, self.moved)

    @property
    def alerts(self) -> str:
        """Every revision of every alert."""
        return f"{self.prefix}.alerts"

    @property
    def alerts_open(self) -> str:
        """The current state of open alerts."""
        return f"{self.prefix}.alerts.open"

    @property
    def suppressed(self) -> str:
        """Revisions that were decided and not sent."""
        return f"{self.prefix}.suppressed"

    @property
    def outcomes(self) -> str:
        """What came of alerts that were part of an experiment."""
        return f"{self.prefix}.outcomes"

    @property
    def erased(self) -> str:
        """Who is erased, by a salted hash."""
        return f"{self.prefix}.erased"

    @property
    def attention(self) -> str:
        """What the owners' lists are made of: alerts as they were sent, and how far partitions have come."""
        return f"{self.prefix}.attention"

    @property
    def digests(self) -> str:
        """What each owner has to do, day by day."""
        return f"{self.prefix}.digests"

    @property
    def lists(self) -> str:
        """The open alerts of all partitions, and whose list each is on: what a dispatcher restores from."""
        return f"{self.prefix}.lists"

    @property
    def stages(self) -> str:
        """Transitions of the lifecycle."""
        return f"{self.prefix}.stages"

    @property
    def late(self) -> str:
        """Events too late to be applied."""
        return f"{self.prefix}.late"

    @property
    def dead_letters(self) -> str:
        """Records that do not keep the contract."""
        return f"{self.prefix}.dead-letters"

    @property
    def examples(self) -> str:
        """Matured training examples and the progress of the partitions."""
        return f"{self.prefix}.examples"

    @property
    def models(self) -> str:
        """The weights of the model, by name."""
        return f"{self.prefix}.models"

    @property
    def changelog(self) -> str:
        """Snapshots of the partitions, and the boundaries begun since: with the events, what a worker restores from."""
        return f"{self.prefix}.changelog" + (f"-v{self.app_version}" if self.app_version > 1 else "")


def _kept_for(time_ms: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(time_ms)}


def _of_customers(days: int) -> dict[str, str]:
    """Of records with a key each: a tombstone takes one away within a day or two, time the others."""
    return _kept_for(days * DAY_MS) | {"cleanup.policy": "compact,delete", "max.compaction.lag.ms": str(DAY_MS)}


_COMPACTED: Final = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(DAY_MS)}

_IN_LARGE_RECORDS: Final = {
    **_COMPACTED,
    "min.compaction.lag.ms": str(MIN_COMPACTION_LAG_MS),
    "max.message.bytes": str(MAX_RECORD_BYTES),
}


def topic_table(
    prefix: str = "churn",
    *,
    partitions: int = 12,
    replication: int = 1,
    events_retention_ms: int = FOR_EVER,
    app_version: int = 1,
) -> tuple[TopicSpec, ...]:
    """Every topic of a deployment, inputs first; those of customers have the same number of partitions, owned as one.

    What the learner reads and writes has one partition: there is one learner, and one order of what it learns.
    """
    names = Topics(prefix, app_version)

    def spec(name: str, key: str, content: str, config: dict[str, str], count: int = partitions) -> TopicSpec:
        return TopicSpec(name, key, content, count, replication, config)

    kept, changelog = _kept_for(events_retention_ms), _IN_LARGE_RECORDS
    commands = _kept_for(28 * DAY_MS) | {"segment.ms": str(DAY_MS)}
    return (
        *(spec(names.event(feed), "customer id", f"input events of type {of}", kept) for feed, of in enumerate(FEEDS)),
        spec(names.ticks, "none (explicit partition)", "the clock, as data", _kept_for(7 * DAY_MS)),
        spec(names.commands, "customer id, or a feed", "what people and programs say about alerts", commands),
        spec(names.moved, "epoch and origin", "what partitions tell each other of merged customers", _COMPACTED),
        spec(names.receipts, "receipt", "what became of each command", _of_customers(28)),
        spec(names.alerts, "alert id and revision", "every revision of every alert", _of_customers(30)),
        spec(names.alerts_open, "alert id", "current state of open alerts", _COMPACTED),
        spec(names.suppressed, "alert id and revision", "revisions that were not sent, and why", _of_customers(30)),
        spec(names.outcomes, "alert id", "what came of alerts, told or held out", _of_customers(400)),
        spec(names.attention, "content", "what the owners' lists are made of", _of_customers(30), 1),
        spec(names.digests, "owner", "what each owner has to do, day by day", changelog, 1),
        spec(names.lists, "alert id", "open alerts, and whose list each is on", changelog, 1),
        spec(names.stages, "transition", "lifecycle transitions", _of_customers(30)),
        spec(names.erased, "salted hash", "who is erased, by a salted hash of the id", _COMPACTED),
        spec(names.late, "origin", "events too late to be applied, with reason and origin", _of_customers(14)),
        spec(names.dead_letters, "origin", "refused records, with reason and origin", _of_customers(14)),
        spec(names.examples, "content", "training examples and progress of partitions", _of_customers(90), 1),
        spec(names.models, "model name", "weights of the model, its quality and version", changelog, 1),
        spec(names.changelog, "kind, epoch and number", "snapshots of partitions, boundaries begun, claims", changelog),
    )
