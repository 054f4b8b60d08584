"""What a replay refuses, and what it only says, of events that a worker refuses by its clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import RejectedError
from schemas.event_time import FIRST_MS, LAST_MS
from streams.clock import now_ms
from streams.files.edge import Edge
from streams.files.history import read_history, shifted
from streams.files.packed_history import read_packed
from support.builders import DAY_MS, NOON_MS, line, login
from support.program import run

FAR_MS = LAST_MS - DAY_MS


def write(folder: Path, *times_ms: int) -> Path:
    file = folder / "events.jsonl"
    file.write_bytes(b"".join(line(login("c1", at_ms, id=f"e{at_ms}")) + b"\n" for at_ms in times_ms))
    return file


def test_a_time_that_is_said_refuses_what_a_worker_refuses_then(tmp_path: Path) -> None:
    file = write(tmp_path, NOON_MS, NOON_MS + 300_000, NOON_MS + 300_001)
    history = read_packed([file], None, Edge(NOON_MS, NOON_MS).check)
    assert len(history.runs) == 2
    assert [(one.line, one.error.reason) for one in history.bad] == [(3, "future")]


def test_without_one_what_is_ahead_counts_and_is_said(tmp_path: Path) -> None:
    edge = Edge(None, NOON_MS)
    history = read_packed([write(tmp_path, NOON_MS, NOON_MS + DAY_MS, FAR_MS)], None, edge.check)
    assert len(history.runs) == 3
    assert history.bad == []
    (sentence,) = edge.sentences()
    assert "2 events ahead" in sentence
    assert "2099-12-31" in sentence
    assert Edge(None, FAR_MS).sentences() == []


@pytest.mark.parametrize(("days", "reason"), [(1_000_000, "future"), (-1_000_000, "bad_time")])
def test_nothing_is_moved_out_of_the_contract(tmp_path: Path, days: int, reason: str) -> None:
    with pytest.raises(RejectedError) as caught:
        Edge(None, NOON_MS, days).check(NOON_MS)
    assert caught.value.reason == reason
    moved = shifted(read_history([write(tmp_path, NOON_MS)]), days // 20)
    assert [one.error.reason for one in moved.bad] == [reason]
    assert moved.events == []


def test_the_command_says_what_lies_ahead_and_refuses_it_when_asked(tmp_path: Path) -> None:
    file = write(tmp_path, FIRST_MS, now_ms() + 10 * DAY_MS)
    told = run("replay", str(file))
    assert told.code == 0, told.err
    assert "1 event ahead of this machine's clock" in told.err
    refused = run("replay", str(file), "--now", "2026-01-01T00:00:00Z")
    assert refused.code == 1
    assert "events.jsonl:2: future at event_time" in refused.err
    beyond = run("replay", str(file), "--until", "9999-01-01T00:00:00Z")
    assert beyond.code == 2
    assert "from 1970 to 2099" in beyond.err
