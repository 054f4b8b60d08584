"""The newest good version of the model, read from its topic by a thread: a bad one is refused, the last good stays."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from models.calendar import Calendar
from models.catalogue.rules import Rules
from models.config import Learning
from models.scoring.features import feature_names
from models.scoring.version import Version, base_of, counted_of
from schemas.model import ModelStateError
from schemas.model_version import MODEL_KEY, ModelVersionV1, decode_model_version
from schemas.topics import Topics
from streams.kafka.connection import librdkafka_config
from streams.settings import Settings

TAIL_SETTINGS: Final = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.message.max.bytes": 16_000_000,
}

KEPT: Final = 4
"""Versions at hand without a look into a changelog."""

log = logging.getLogger("churn")


@dataclass(slots=True)
class Shelf:
    """Where versions are put down and taken up: written by one thread, read by any."""

    rules: Rules
    current: Version | None = None
    _lately: tuple[Version, ...] = ()
    refused: Counter[str] = field(default_factory=Counter)

    def put(self, value: bytes | None) -> None:
        """Take a record's value: used from now on if it is good, counted and told if not."""
        if value is None:
            return
        try:
            self.current = self.read(value)
            self._lately = (*self._lately, self.current)[-KEPT:]
        except ModelStateError as error:
            self.refused[error.reason] += 1
            kept = "no model" if self.current is None else f"version {self.current.name}"
            log.error("a model was refused (%s); %s goes on scoring", error, kept)  # noqa: TRY400 - told, no crash

    def read(self, value: bytes) -> Version:
        """The version in a record's value. Raises ModelStateError."""
        return replace(version_of(decode_model_version(value), self.rules), content=value)

    def named(self, name: str) -> Version | None:
        """One of the last few versions; None when it is not among them."""
        return next((version for version in self._lately if version.name == name), None)


def version_of(model: ModelVersionV1, rules: Rules) -> Version:
    """What scores by a published version. Raises ModelStateError when it is of another question or other features."""
    from models.learning.churn import (
        restored_committee,  # River takes a second to import: a worker without a model need not
    )

    learning = rules.basis.learning or Learning()
    committee = restored_committee(model.committee, learning.question, feature_names(rules.basis.feeds))
    until = Calendar.day_of_text(model.learned_until)
    return Version(model.version, until, committee.scorer(), base_of(model), counted_of(model))


class ModelReader(threading.Thread):
    """Follows the models topic for the life of the process."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        super().__init__(name="models", daemon=True)
        self._shelf = shelf
        self._topic = Topics(settings.prefix).models
        group = {"group.id": f"{settings.group}.models"}
        self._consumer = Consumer({**librdkafka_config(settings), **TAIL_SETTINGS, **group})
        self._is_stopping = threading.Event()

    def catch_up(self) -> None:
        """Read what is there already, so that a worker starts with the newest version; then follow in the thread."""
        self._consumer.assign([TopicPartition(self._topic, 0, 0)])
        while not self._take(self._consumer.consume(100, 0.5)):
            pass
        self.start()

    def run(self) -> None:
        """Until `stop`."""
        try:
            while not self._is_stopping.is_set():
                self._take(self._consumer.consume(100, 0.5))
        finally:
            self._consumer.close()

    def stop(self) -> None:
        """End the thread within a second."""
        self._is_stopping.set()
        self.join(timeout=2.0)

    def _take(self, messages: Iterable[Message]) -> bool:
        """Whether the end of the topic was reached."""
        is_at_end = False
        for message in messages:
            error = message.error()
            if error is None:
                if message.key() == MODEL_KEY:
                    self._shelf.put(message.value())
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's own name for it
                is_at_end = True
        return is_at_end
