"""`churn-signals replay --then`: another catalogue in the course of a history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from support.histories import Size, history, write_history
from support.program import run

FIRST = "base: default\nmodel: off\n"
ALIKE = FIRST + "constants: {of_no_use: 1}\n"
OTHER = FIRST + "signals: {repeated_complaints: off}\n"
DAY = "2025-04-20"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("then")
    write_history(history(Size(2_000, 120, 90), 3), made / "events.jsonl")
    for name, text in (
        ("first", FIRST),
        ("alike", ALIKE),
        ("other", OTHER),
        ("euros", FIRST + "currency: EUR\nrates: {EUR: 1.0}\n"),
    ):
        (made / f"{name}.yaml").write_text(text)
    return made


def replayed(folder: Path, *more: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Alerts, states and the summary."""
    alerts, states = folder / "alerts.jsonl", folder / "states.jsonl"
    told = run(
        "replay", str(folder / "events.jsonl"), "--alerts", str(alerts), "--states", str(states), "--json",
        "--partitions", "3", "--catalogue", str(folder / "first.yaml"), *more,
    )  # fmt: skip
    assert told.code == 0, told.err
    found = [[orjson.loads(line) for line in file.read_bytes().splitlines()] for file in (alerts, states)]
    for of in found:
        of.sort(key=lambda one: (str(one.get("alert_id")), str(one.get("revision")), str(one["customer_id"])))
    return found[0], found[1], orjson.loads(told.out)


def key_of(alert: dict[str, Any]) -> tuple[str, int]:
    return alert["alert_id"], alert["revision"]


def is_of_first_day(alert: dict[str, Any]) -> bool:
    return (alert["revision"], alert["stage"], alert["starts_at"]) == (1, None, "2025-04-21T00:00:00Z")


def test_a_catalogue_that_says_the_same_changes_nothing_but_the_name_on_later_alerts(folder: Path) -> None:
    alone, before, plain = replayed(folder)
    found, states, summary = replayed(folder, "--then", f"{DAY}={folder / 'alike.yaml'}")
    assert [(one["alert_id"], one["revision"]) for one in found] == [
        (one["alert_id"], one["revision"]) for one in alone
    ]
    for one, other in zip(found, alone, strict=True):
        # What is fired early on the first day waits for the boundary: more may have come of it by then.
        assert is_of_first_day(one) or {**one, "catalogue": ""} == {**other, "catalogue": ""}
    assert states == before
    assert plain["then"] == []
    ((day, name),) = summary["then"]
    assert day == DAY
    assert name != summary["catalogue"]
    assert {one["catalogue"] for one in found} == {name, summary["catalogue"]}
    begun = [one for one in found if one["revision"] == 1]
    assert {one["catalogue"] for one in begun if one["starts_at"] > f"{DAY}T23"} == {name}
    assert {one["catalogue"] for one in begun if one["starts_at"] <= f"{DAY}T23"} == {summary["catalogue"]}


def test_a_signal_that_leaves_closes_its_alerts_in_that_partition_alone(folder: Path) -> None:
    whole, _, _ = replayed(folder, "--then", f"{DAY}={folder / 'other.yaml'}")
    part, _, _ = replayed(folder, "--then", f"1:{DAY}={folder / 'other.yaml'}")
    counts = [len([one for one in found if "signal retired" in str(one["summary"])]) for found in (whole, part)]
    assert counts[0] > counts[1] > 0
    assert {str(one["ends_at"])[:10] for one in whole if "signal retired" in str(one["summary"])} == {"2025-04-21"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--then", "soon=first.yaml"], "is not of the form"),
        (["--then", "2025-02-30=first.yaml"], "there is no day 2025-02-30"),
        (["--then", "2025-04-20=gone.yaml"], "there is no file"),
        (["--then", "9:2025-04-20=other.yaml"], "there is no partition 9"),
        (["--then", "2025-04-20=other.yaml", "--then", "2:2025-04-20=first.yaml"], "two catalogues behind 2025-04-20"),
        (["--then", "2024-04-20=other.yaml"], "the history begins on 2025-03-01"),
        (["--then", "2025-04-20=euros.yaml"], "its currency is EUR"),
        (["--then", "2025-04-20=other.yaml", "--against", "other.yaml"], "without --against and --learn"),
    ],
)
def test_what_cannot_be_taken_up_is_said(folder: Path, more: list[str], said: str) -> None:
    named = [word.replace("=", f"={folder}/") if "=" in word else word for word in more]
    named = [str(folder / word) if word == "other.yaml" else word for word in named]
    done = run(
        "replay", str(folder / "events.jsonl"), "--partitions", "3", "--catalogue", str(folder / "first.yaml"), *named
    )
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_day_that_is_never_reached_is_said(folder: Path) -> None:
    done = run("replay", str(folder / "events.jsonl"), "--then", f"2026-01-01={folder / 'other.yaml'}")
    assert done.code == 0
    assert "decided nothing" in done.err
