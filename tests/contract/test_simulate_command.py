"""`simulate` as its user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from support.builders import line, purchase
from support.program import run


def test_equal_seeds_write_equal_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    for file in (first, second):
        arguments = ("--customers", "20", "--days", "60", "--seed", "5", "--start", "2025-06-01", "--out", str(file))
        outcome = run("simulate", *arguments, "--truth", str(tmp_path / "truth.jsonl"))
        assert outcome.code == 0, outcome.err
        assert "events of 20 customers" in outcome.err
    assert first.read_bytes() == second.read_bytes()
    truth = [json.loads(row) for row in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert len(truth) == 20
    assert set(truth[0]) == {"customer_id", "kind", "turns_at_ms", "events"}


def test_standard_output_is_json_lines_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(line(purchase()))
    outcome = run("simulate", "--for", str(file))
    assert outcome.code == 0, outcome.err
    assert {json.loads(row)["customer_id"] for row in outcome.out.splitlines()} == {"c1"}


def test_wrong_date_is_wrong_usage() -> None:
    outcome = run("simulate", "--start", "tomorrow")
    assert outcome.code == 2
    assert "tomorrow" in outcome.err
