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
    assert set(truth[0]) == {
        "customer_id",
        "kind",
        "begins_at_ms",
        "turns_at_ms",
        "leaves_at_ms",
        "events",
        "active_days",
        "signs",
    }


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


def test_detection_is_told_and_written_and_knows_its_targets(tmp_path: Path) -> None:
    file, truth = tmp_path / "report.json", tmp_path / "truth.jsonl"
    size = ("--customers", "60", "--days", "200", "--seed", "5")
    outcome = run("simulate", *size, "--detect", "--report", str(file), "--truth", str(truth), "--jobs", "1")
    assert outcome.code in (0, 1), outcome.err
    assert (outcome.code == 1) == ("missed:" in outcome.out)
    for told in ("precision:", "Loyal customers", "usage_drop", "Targets", "seasonal", "verdict:"):
        assert told in outcome.out
    assert "…" not in outcome.out  # nothing is cut off at 80 columns
    report = json.loads(file.read_text())
    assert report["made"]["customers"] == 60
    assert report["detection"]["customers"] == len(truth.read_text().splitlines())
    assert {target["name"] for target in report["targets"]} >= {"loyal: usage_drop in any 60 days"}
    again = tmp_path / "again.json"
    run("simulate", *size, "--detect", "--report", str(again), "--jobs", "2")
    assert again.read_bytes() == file.read_bytes()


def test_missed_target_fails_the_command(tmp_path: Path) -> None:
    catalogue = tmp_path / "mine.yaml"
    catalogue.write_text("base: default\nsignals:\n  onboarding_drop:\n    when: days_since_first == 20\n")
    size = ("--customers", "250", "--days", "90", "--seed", "5")
    outcome = run("simulate", *size, "--detect", "--catalogue", str(catalogue))
    assert outcome.code == 1, outcome.err
    assert "missed: onboarding_drop: precision" in outcome.out.replace("\n", " ")


def test_detection_writes_no_events_and_its_options_ask_for_it() -> None:
    for wrong in (("--detect", "--out", "x.jsonl"), ("--jobs", "2"), ("--report", "x.json")):
        outcome = run("simulate", *wrong)
        assert outcome.code == 2
        assert "--detect" in outcome.err
