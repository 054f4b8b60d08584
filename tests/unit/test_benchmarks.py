"""The benchmarks do what they say, at sizes of no interest. Nothing here looks at a time."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from benchmarks.bench import QUICK, USUAL
from benchmarks.engine_alone import EngineRun, run
from benchmarks.load import DAY_MS, EVENTS_EACH, START_MS, make_load, read_load, write_load
from benchmarks.measuring import SystemRun, spread
from benchmarks.peers.environments import REQUIREMENTS
from benchmarks.peers.fold import Fold, Record, Stopwatch
from benchmarks.plot import write_plot
from benchmarks.report import to_markdown
from benchmarks.restart import DayRun, RestartRun
from benchmarks.results import (
    Difference,
    EnginePart,
    GrowthPart,
    RacePart,
    RestartPart,
    Results,
    SystemPart,
    conditions,
    load_results,
    ratio,
    save_results,
)
from benchmarks.sizing import EVENTS_A_DAY, PAGE, Costs, costs_of, need_of, sizing_page
from benchmarks.steady import LatencyRun
from schemas.event import FEEDS
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.settings import Settings

CUSTOMERS = 12
PARTITIONS = 2
MB = 1_000_000

ENGINE = EngineRun(
    events=100, customers=5, event_us=10, review_us=20, reviews=50, revisions=3, record_bytes=400, resident_bytes=900
)
EQUAL = Difference(expected=3, found=3, missing=0, unknown=0, other=0)
LACKING = Difference(expected=3, found=2, missing=1, unknown=0, other=0)
COSTS = Costs(
    event_us=100,
    midnight_us=15,
    record_bytes=500,
    customer_bytes=1_000,
    midnight_bytes=2_000,
    base_bytes=100 * MB,
    restored_a_second=100_000,
)


def _system(name: str, seconds: float, alerts: Difference) -> SystemPart:
    return SystemPart(name, "log, then commit", [SystemRun(seconds, seconds, MB, MB)], [alerts])


def _results() -> Results:
    given = conditions()
    lost = SystemPart("lost", "nothing", failure="cannot be installed: no such version")
    with_model = _system("churn-signals, one worker, model on", 2, EQUAL)
    return Results(
        4,
        engine=EnginePart(given, [ENGINE], [ENGINE]),
        race=RacePart(given, 100, 5, [_system("plain loop", 1, EQUAL), with_model]),
        peers=RacePart(given, 100, 5, [_system("plain loop", 1, EQUAL), _system("slow", 4, LACKING), lost]),
        growth=GrowthPart(given, 2, 6, [ENGINE, msgspec.structs.replace(ENGINE, customers=10, event_us=12.0)]),
        restart_model=RestartPart(
            given,
            1_000,
            500.0,
            [RestartRun(2.0, 2.5, 100 * MB, 101 * MB, 102 * MB)],
            DayRun(300, 1.5, LatencyRun(20.0, 30, 30, 50.0, 90.0, 99.0), 104 * MB),
        ),
    )


def test_the_load_has_its_shape_and_is_the_same_each_time(tmp_path: Path) -> None:
    events = make_load(CUSTOMERS, 3, events_each=4, span_days=5)
    assert len(events) == CUSTOMERS * 4
    assert events == make_load(CUSTOMERS, 3, events_each=4, span_days=5)
    assert [event.time_ms for event in events] == sorted(event.time_ms for event in events)
    assert START_MS <= events[0].time_ms <= events[-1].time_ms < START_MS + 5 * DAY_MS
    read = [event for batch in read_load(write_load(events, tmp_path / "load.tsv")) for event in batch]
    assert read == [(event.feed, event.key, event.value) for event in events]


def test_a_peer_that_hands_over_one_record_at_a_time_gets_the_alerts_of_the_oracle(tmp_path: Path) -> None:
    """However a system batches, in the order of time the engine says the same."""
    events = make_load(CUSTOMERS)
    settings = Settings(partitions=PARTITIONS)
    with (tmp_path / "alerts.jsonl").open("wb") as file:
        figures, _ = run(write_load(events, tmp_path / "load.tsv"), settings, file)
    expected = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert (figures.events, figures.customers) == (CUSTOMERS * EVENTS_EACH, CUSTOMERS)
    assert expected

    topics, fold = Topics(settings.prefix), Fold(settings)
    offsets = [[0] * len(FEEDS) for _ in range(PARTITIONS)]
    alerts: list[bytes | None] = []
    for event in events:
        number = partition_of(event.key, PARTITIONS)
        record = Record(topics.event(event.feed), offsets[number][event.feed], event.key, event.value)
        offsets[number][event.feed] += 1
        outputs, writes = fold.take(number, [record])
        assert event.key in writes
        alerts += [routed.value for routed in outputs if routed.topic == topics.alerts]
    assert sorted(value or b"" for value in alerts) == sorted(expected)


def test_a_stopwatch_that_missed_events_does_not_stop(tmp_path: Path) -> None:
    stopwatch = Stopwatch(3, tmp_path / "figures.json")
    stopwatch.taking(2)
    with pytest.raises(AssertionError, match="1 events were not taken"):
        stopwatch.stop()
    stopwatch.taking(1)
    stopwatch.stop()
    assert msgspec.json.decode((tmp_path / "figures.json").read_bytes(), type=SystemRun).seconds >= 0


def test_the_page_shows_every_part_and_why_a_peer_is_missing() -> None:
    page = to_markdown(_results())
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("|")}
    assert "cannot be installed: no such version" in rows["lost"]
    assert "| 25 | 0.25 |" in rows["slow"]
    assert "1 missing, 0 unknown, 0 other of 3" in rows["slow"]
    assert "300 in 1.5 s" in page
    assert "+20% an event, +0% a review; of the last two sizes +20% and +0%" in page


def test_the_figure_names_every_system_that_ran(tmp_path: Path) -> None:
    place = write_plot(_results(), tmp_path / "bench.json")
    assert place is not None
    texts = {element.text for element in ET.parse(place).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314 - drawn here
    assert {"plain loop", "slow", "customers"} <= texts
    assert "lost" not in texts
    assert write_plot(Results(4), tmp_path / "none.json") is None


def test_results_survive_the_file_and_another_number_of_partitions_starts_anew(tmp_path: Path) -> None:
    results, path = _results(), tmp_path / "bench.json"
    save_results(results, path)
    assert load_results(path, 4) == results
    assert load_results(path, 8) == Results(8)
    path.write_text('{"partitions": "four"}')
    assert load_results(path, 4) == Results(4)


def test_ratios_are_of_medians() -> None:
    slow = SystemPart("slow", "", [SystemRun(seconds, 1, 1, 1) for seconds in (3, 9, 6)])
    assert ratio(slow, _system("base", 2, EQUAL), "seconds") == 3
    assert spread([3, 9, 6]).show() == "6.0 (3.0 to 9.0)"


def test_needs_follow_from_the_figures() -> None:
    small, large = need_of(1_000_000, COSTS), need_of(100_000_000, COSTS)
    assert small.mean == pytest.approx(1_000_000 * EVENTS_A_DAY / 86_400)
    assert (small.workers, small.partitions) == (1, 12)
    assert small.worker_bytes == pytest.approx(100 * MB + 2e9)
    assert small.restart_s == pytest.approx(10)
    assert (large.by_memory, large.decider) == (52, "memory")
    assert large.by_midnight == 5  # 1,500 s for one
    assert large.partitions == 4 * 52


def test_costs_are_those_that_were_measured() -> None:
    costs = costs_of(_results())
    assert costs is not None
    assert costs.event_us == pytest.approx(2 / 100 * 1e6)
    assert (costs.customer_bytes, costs.midnight_bytes) == pytest.approx((1_000, 4_000))
    assert costs.restored_a_second == pytest.approx(500)
    assert costs_of(Results(4)) is None
    assert "1,000 bytes a customer, beside 100 MB" in sizing_page(costs)


def test_the_sizing_page_is_that_of_the_last_run() -> None:
    costs = costs_of(load_results(PAGE.parents[2] / "tests/benchmarks/results/bench.json", USUAL.partitions))
    assert costs is not None
    assert sizing_page(costs) == PAGE.read_text()


def test_every_peer_asks_for_exact_versions() -> None:
    files = sorted(REQUIREMENTS.glob("*.txt"))
    assert [file.stem for file in files] == ["bytewax", "faust", "pathway", "quix"]
    for file in files:
        assert all("==" in line for line in file.read_text().splitlines())


def test_a_quick_run_is_smaller_in_everything() -> None:
    assert QUICK.customers < USUAL.customers
    assert max(QUICK.growth) < max(USUAL.growth)
    assert QUICK.restart_customers < USUAL.restart_customers
