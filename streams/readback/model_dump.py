"""Versions of the model and which of them every review used: written to a file, and read for `replay --models`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from models.calendar import Calendar, date_of
from models.catalogue.rules import Rules
from models.scoring.version import Version
from schemas.example import LessonError, ProgressV1, decode_lesson
from schemas.model import ModelStateError
from schemas.model_version import MODEL_KEY, ModelVersionV1, decode_model_version
from schemas.topics import Topics
from streams.agents.models import version_of
from streams.errors import SetupError
from streams.kafka.topic_reader import read_messages
from streams.settings import Settings


class DumpedV1(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line: a version, or a partition's progress with the version it used. A line of something else is refused."""

    model: ModelVersionV1 | None = None
    progress: ProgressV1 | None = None


def published_versions(settings: Settings) -> Iterator[ModelVersionV1]:
    """Every good version on the models topic, in its order; what compaction took is gone. Raises SetupError."""
    for message in read_messages(settings, Topics(settings.prefix).models, [0], purpose="model"):
        value = message.value()
        if message.key() == MODEL_KEY and value is not None:
            try:
                yield decode_model_version(value)
            except ModelStateError:  # the workers have refused it as well, and told so
                continue


def dump(settings: Settings) -> Iterator[bytes]:
    """Lines for `load`."""
    seen: set[str] = set()
    for version in published_versions(settings):
        if version.version not in seen:
            seen.add(version.version)
            yield msgspec.json.encode(DumpedV1(model=version))
    for progress in _told_progress(settings):
        used = msgspec.structs.replace(progress, risks=msgspec.UNSET, distributions=msgspec.UNSET)
        yield msgspec.json.encode(DumpedV1(progress=used))


def label_lag_days(settings: Settings, newest: ModelVersionV1) -> int | None:
    """Days from the newest label learned to the one until which a partition has told all; None when none told more.

    What was told before the offset at which a learner would go on was learned.
    """
    told = [
        Calendar.day_of_text(progress.complete_until) for progress in _told_progress(settings, newest.resume_offset)
    ]
    return max(0, max(told) - newest.committee.boundary) if told else None


def _told_progress(settings: Settings, first: int = 0) -> Iterator[ProgressV1]:
    """How far the partitions said they were, from an offset of the examples on."""
    for message in read_messages(settings, Topics(settings.prefix).examples, [0], purpose="model", first=first):
        with suppress(LessonError):  # the learner has refused it as well, and told so
            lesson = decode_lesson(message.value() or b"")  # what says that another record is to vanish is none
            if isinstance(lesson, ProgressV1):
                yield lesson


class UsedVersions:
    """Which version each partition used at each boundary."""

    def __init__(self, dumped: Iterable[DumpedV1], rules: Rules) -> None:
        """Raises ModelStateError when a version is of another question or of other features."""
        lines = list(dumped)
        versions = [version_of(line.model, rules) for line in lines if line.model is not None]
        self._versions = {version.name: version for version in versions}
        used: dict[int, dict[int, str | None]] = {}
        for line in lines:
            if line.progress is not None:
                boundary = Calendar.day_of_text(line.progress.boundary)
                used.setdefault(line.progress.partition, {})[boundary] = line.progress.model_version
        self._used = {partition: sorted(marks.items()) for partition, marks in used.items()}

    def of(self, partition: int, boundary: int) -> Version | None:
        """The version a partition used: every boundary up to a marker was reviewed with the marker's.

        Raises SetupError when the dump has it no more.
        """
        marks = self._used.get(partition, [])
        place = bisect_left(marks, boundary, key=lambda mark: mark[0])
        name = marks[place][1] if place < len(marks) else None
        if name is None:
            return None
        if name not in self._versions:
            value = f"version {name}, which scored the boundary {date_of(boundary)}, is not in the file"
            raise SetupError("--models", value, "Compaction had taken it from the topic: dump more often.")
        return self._versions[name]


def load(path: Path, rules: Rules) -> UsedVersions:
    """Read a dump. Raises SetupError naming what is wrong with it."""
    decoder = msgspec.json.Decoder(DumpedV1)
    try:
        with path.open("rb") as lines:
            return UsedVersions([decoder.decode(line) for line in lines], rules)
    except (OSError, msgspec.MsgspecError, ModelStateError) as error:
        remedy = "Write it with: churn-signals model dump, with the catalogue of these rules."
        raise SetupError("--models", f"{path}: {error}", remedy) from error
