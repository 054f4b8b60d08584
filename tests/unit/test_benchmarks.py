"""The benchmarks do what they say, at sizes of no interest. Nothing here looks at a time."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from benchmarks.bench import QUICK, USUAL
from benchmarks.budgets import Figure, budgets_of
from benchmarks.engine_alone import EngineRun, run
from benchmarks.load import DAY_MS, DAYS, EVENTS_EACH, START_MS, make_load, read_load, write_load
from benchmarks.measuring import SystemRun, spread
from benchmarks.midnight import Longest, MidnightRun
from benchmarks.peers.environments import REQUIREMENTS
from benchmarks.peers.fold import Fold, Record, Stopwatch
from benchmarks.plot import write_plot
from benchmarks.race import PLAIN_MODEL
from benchmarks.report import to_markdown
from benchmarks.restart import DayRun, RestartRun
from benchmarks.results import (
    Difference,
    EnginePart,
    GrowthPart,
    RacePart,
    ReplayPart,
    ReplayRun,
    RestartPart,
    Results,
    SystemPart,
    conditions,
    load_results,
    ratio,
    save_results,
)
from benchmarks.sizing import EVENTS_A_DAY, PAGE, Costs, costs_of, need_of, sizing_page
from benchmarks.steady import NUMBER, TIME, LatencyRun, Stream
from schemas.codec import decode_event
from schemas.event import FEEDS
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.settings import Settings

CUSTOMERS = 12
PARTITIONS = 2
MB = 1_000_000

ENGINE = EngineRun(
    events=100,
    customers=5,
    partitions=2,
    decode_s=4e-4,
    observe_s=6e-4,
    close_s=1e-4,
    judge_s=3e-4,
    encode_s=1e-4,
    judged=200,
    midnights=4,
    outputs=10,
    revisions=3,
    column_bytes=2_000,
    resident_bytes=4_500,
)
EQUAL = Difference(expected=3, found=3, missing=0, unknown=0, other=0)
LACKING = Difference(expected=3, found=2, missing=1, unknown=0, other=0)
COSTS = Costs(
    event_us=100,
    midnight_us=15,
    packed_bytes=500,
    customer_bytes=1_000,
    midnight_bytes=2_000,
    base_bytes=100 * MB,
    restarted_a_second=100_000,
)


def _system(name: str, seconds: float, alerts: Difference) -> SystemPart:
    return SystemPart(name, "log, then commit", [SystemRun(seconds, seconds, MB, MB)], [alerts])


def _results() -> Results:
    given = conditions()
    lost = SystemPart("lost", "nothing", failure="cannot be installed: no such version")
    with_model = _system("churn-signals, one worker, model on", 2, EQUAL)
    return Results(
        4,
        engine=EnginePart(given, [ENGINE], [ENGINE], [ENGINE]),
        race=RacePart(
            given, 100, 5, [_system("plain loop", 1, EQUAL), _system(PLAIN_MODEL.name, 1.5, EQUAL), with_model]
        ),
        peers=RacePart(given, 100, 5, [_system("plain loop", 1, EQUAL), _system("slow", 4, LACKING), lost]),
        growth=GrowthPart(given, 2, 6, [ENGINE, msgspec.structs.replace(ENGINE, customers=10, decode_s=6e-4)]),
        restart_model=RestartPart(
            conditions=given,
            customers=1_000,
            events=333,
            snapshot_bytes=MB,
            packed_bytes=500_000,
            runs=[RestartRun(2.0, 2.5, 3.0, 100 * MB, 101 * MB, 102 * MB)],
            alone=[MidnightRun(1_000, 333, 3.0, 0.5, 0.2, 900, Longest(90.0, 40.0, 1.0, 350.0), MB, MB)],
            day=DayRun(300, 1.5, 1.0, 2.5, 1.6, LatencyRun(20.0, 30, 30, 50.0, 90.0, 99.0), 104 * MB),
        ),
        replay=ReplayPart(given, 20, 30, 1_000, [ReplayRun(0.4, 0.5, 200 * MB, 20, 7)]),
    )


def test_the_load_has_its_shape_and_is_the_same_each_time(tmp_path: Path) -> None:
    events = make_load(CUSTOMERS, 3, events_each=4, span_days=5)
    assert len(events) == CUSTOMERS * 4
    assert events == make_load(CUSTOMERS, 3, events_each=4, span_days=5)
    assert [event.time_ms for event in events] == sorted(event.time_ms for event in events)
    assert START_MS <= events[0].time_ms <= events[-1].time_ms < START_MS + 5 * DAY_MS
    read = [event for batch in read_load(write_load(events, tmp_path / "load.tsv")) for event in batch]
    assert read == [(event.feed, event.key, event.value) for event in events]


def test_a_peer_that_hands_over_one_record_at_a_time_gets_the_alerts_of_replay(tmp_path: Path) -> None:
    """However a system batches, in the order of time the engine says the same."""
    events = make_load(CUSTOMERS)
    settings = Settings(partitions=PARTITIONS)
    figures = run(write_load(events, tmp_path / "load.tsv"), settings, tmp_path / "alerts.jsonl")
    expected = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert (figures.events, figures.customers, figures.partitions) == (CUSTOMERS * EVENTS_EACH, CUSTOMERS, PARTITIONS)
    assert figures.revisions == len(expected) > 0
    assert 0 < figures.midnights <= PARTITIONS * DAYS
    assert 0 < figures.judged <= figures.midnights * CUSTOMERS

    topics, fold = Topics(settings.prefix), Fold(settings)
    offsets = [[0] * len(FEEDS) for _ in range(PARTITIONS)]
    alerts: list[bytes | None] = []
    for event in events:
        number = partition_of(event.key, PARTITIONS)
        record = Record(topics.event(event.feed), offsets[number][event.feed], event.key, event.value)
        offsets[number][event.feed] += 1
        alerts += [routed.value for routed in fold.take(number, [record]) if routed.topic == topics.alerts]
        if event is events[len(events) // 2]:  # as Bytewax does after a crash
            fold.restore(number, fold.snapshot(number))
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
    assert "300 in 1.5 s, 1.0 s of CPU" in page
    assert "+20% an event, +0% a customer at a midnight; of the last two sizes +20% and +0%" in page
    assert "| 15.0 µs |" in rows["CPU an event, all in"]
    assert "| 2.00 µs |" in rows["CPU a customer at a midnight"]


def test_every_line_of_the_design_has_a_row_that_says_which_bound_was_kept() -> None:
    """The worst figure of a line decides; speed is bounded from below."""
    kept = {one.what: one.cells()[-1] for one in budgets_of(_results())}
    assert kept == {
        "engine alone, an event all in, 50,000 customers, rules alone": "missed",
        "engine alone, an event all in, 50,000 customers, model on": "must",
        "churn-signals, one worker, model on, against the plain loop that calls the same engine": "missed",
        "midnight of 1,000,000 customers, model on, without Kafka": "missed",  # an event waited 350 ms
        "midnight of 1,000,000 customers, model on, a worker with all it does": "aim",
        "`replay` of 20,000 customers x 365 days, rules alone": "aim",
        "restart with 1,000,000 customers and a day of events to read again, model on": "aim",
        "memory a customer (60-day load), model on": "aim",
        "small base (500 customers a partition), a midnight, model on": "aim",
    }
    assert Figure(0.7, 0.6, 0.75, "", is_least=True).grade == 1
    assert budgets_of(Results(4)) == []


def test_a_streams_events_are_made_before_it_begins_and_each_is_another(tmp_path: Path) -> None:
    stream = Stream.__new__(Stream)
    stream._dice, stream._customers = random.Random(1), 5
    feed, key, template = stream._template()
    values = [template.replace(TIME, b"2026-03-02T00:00:00Z").replace(NUMBER, b"%09d" % place) for place in (1, 2)]
    one, other = (decode_event(feed, key, value, (), START_MS) for value in values)
    assert (one.time_ms, other.time_ms) == (START_MS, START_MS)
    assert one.id.startswith("000000001-")
    assert other.id.startswith("000000002-")


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
    assert small.snapshot_bytes == pytest.approx(500e6)
    assert (large.by_memory, large.decider) == (52, "memory")
    assert large.by_midnight == 5  # 1,500 s for one
    assert large.partitions == 4 * 52


def test_costs_are_those_that_were_measured() -> None:
    costs = costs_of(_results())
    assert costs is not None
    assert costs.event_us == pytest.approx(2 / 100 * 1e6)
    assert costs.midnight_us == pytest.approx(2.5 / 1_000 * 1e6)
    assert (costs.customer_bytes, costs.midnight_bytes) == pytest.approx((1_000, 4_000))
    assert costs.restarted_a_second == pytest.approx(1_000 / 3)
    assert costs_of(Results(4)) is None
    assert "1,000 bytes a customer, beside 100 MB" in sizing_page(costs)
    assert "500 bytes a customer, compressed" in sizing_page(costs)


def test_the_sizing_page_is_that_of_the_last_run() -> None:
    costs = costs_of(load_results(PAGE.parents[2] / "tests/benchmarks/results/bench.json", USUAL.partitions))
    if costs is None:
        pytest.skip("the figures at hand are of an older form: a full `make bench` makes them anew")
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
    assert QUICK.replay_customers * QUICK.replay_days < USUAL.replay_customers * USUAL.replay_days
