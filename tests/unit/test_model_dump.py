"""What `replay --models` reads: which version scored a boundary, and what is said of one that is gone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from schemas.example import ProgressV1
from schemas.model_version import ModelVersionV1
from streams.errors import SetupError
from streams.readback.model_dump import DumpedV1, UsedVersions, load
from support.lessons import RULES, lessons, taught

CALENDAR = RULES.basis.calendar
DAY = CALENDAR.day_of_text("2026-01-01T00:00:00Z")


def version() -> ModelVersionV1:
    return taught(lessons(12, customers=5))[1][-1]


def written(folder: Path, marks: dict[int, str | None], *models: ModelVersionV1) -> UsedVersions:
    """A dump of partition 0, by day."""
    text_of = CALENDAR.text_of
    lines = [DumpedV1(model=model) for model in models]
    lines += [DumpedV1(progress=ProgressV1(0, text_of(day), text_of(day), name)) for day, name in marks.items()]
    file = folder / "models.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    return load(file, RULES)


def test_a_marker_speaks_of_every_boundary_up_to_it(tmp_path: Path) -> None:
    model = version()
    used = written(tmp_path, {DAY: None, DAY + 5: model.version}, model)
    assert used.of(0, DAY) is None
    for day in (DAY + 1, DAY + 5):
        found = used.of(0, day)
        assert found is not None
        assert found.name == model.version
    assert used.of(0, DAY + 6) is None
    assert used.of(1, DAY) is None


def test_a_version_that_compaction_took_is_named(tmp_path: Path) -> None:
    used = written(tmp_path, {DAY: "2025-12-29-01234567"})
    with pytest.raises(SetupError, match=r"2025-12-29-01234567, which scored the boundary 2026-01-01.*dump more often"):
        used.of(0, DAY)


def test_a_file_that_is_no_dump_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "models.jsonl"
    file.write_text('{"model": 7}\n')
    with pytest.raises(SetupError, match=r"models\.jsonl.*model dump"):
        load(file, RULES)
