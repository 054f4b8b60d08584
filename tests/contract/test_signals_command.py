"""`churn-signals signals`: hit rates of one's own history as text, JSON and a page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import orjson
import pytest

from models.catalogue.rules import sending_all
from models.hit_rate.rates import hit_rates
from streams.report.encoding import indented
from streams.report.hits import HitReport, MadeFrom, report_on
from streams.report.hits_page import hits_page
from streams.report.hits_rows import signal_rows
from support.histories import Size, history, write_history
from support.html_page import check_coloured_by_the_page, check_stands_alone, parsed
from support.program import run
from support.troubled import default_rules
from unit.test_hit_rate import followed_of

SECTIONS = ("signals", "words", "lead", "counts", "method")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(history(Size(3_000, 250, 180), 2), tmp_path_factory.mktemp("signals") / "events.jsonl")


@pytest.fixture(scope="module")
def report(events: Path, tmp_path_factory: pytest.TempPathFactory) -> HitReport:
    page = tmp_path_factory.mktemp("page") / "signals.html"
    done = run("signals", str(events), "--horizon-days", "30", "--json", "--html", str(page))
    assert done.code == 0, done.err
    found = msgspec.json.decode(done.out, type=HitReport)
    assert hits_page(found) == page.read_text()  # the JSON holds all that the page shows
    return found


def test_the_report_is_that_of_the_rules_and_of_any_number_of_partitions(events: Path, report: HitReport) -> None:
    rules = sending_all(default_rules())
    rates = hit_rates(followed_of(history(Size(3_000, 250, 180), 2), rules), rules, 30)
    assert report.rates == rates
    more = run("signals", str(events), "--horizon-days", "30", "--json", partitions="5")
    assert msgspec.json.decode(more.out, type=HitReport) == report


def test_text_says_each_signal_in_a_sentence_within_eighty_columns(events: Path, report: HitReport) -> None:
    done = run("signals", str(events), "--horizon-days", "30")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    for one, says in zip(report.rates.signals, report.says, strict=True):
        assert f"{one.signal}: {says}" in words or (not one.alerts and one.signal in words and says in words)
    assert "churn_risk: No alert began here: it asks the model" in words
    assert "though nobody called; of those alike" in words


def test_a_sentence_has_the_numbers_of_the_table_and_says_of_whom_the_difference_is(report: HitReport) -> None:
    rows = {row[0]: row for row in signal_rows(report)}
    alone = 0
    for one, says in zip(report.rates.signals, report.says, strict=True):
        if one.compared is None or one.came_back is None or one.verdict == "not judged":
            continue
        _, judged, back, *_ = rows[one.signal]
        assert says.startswith(f"Of {judged} alerted {back.partition(' (')[0]} ")
        assert (f"of the {one.compared.alerts:,} of them to whom somebody was alike" in says) == bool(one.alone)
        assert one.compared.alerts == one.came_back.of - one.alone
        alone += one.alone
    assert alone  # else nothing was asked


def test_page_stands_alone_and_has_every_section(report: HitReport) -> None:
    html = hits_page(report)
    check_stands_alone(html)
    check_coloured_by_the_page(html)
    assert set(SECTIONS) <= set(parsed(html).ids)
    assert all(one.signal in html for one in report.rates.signals)


def test_texts_are_escaped(report: HitReport) -> None:
    made = msgspec.structs.replace(report.made, files=("<script>alert(1)</script>",))
    assert "<script" not in hits_page(msgspec.structs.replace(report, made=made))


def test_a_history_that_says_nothing_still_makes_a_page() -> None:
    made = MadeFrom(("none.jsonl",), 0, 0, "0" * 16, is_learned=False, program="1")
    empty = report_on(made, hit_rates(followed_of([], default_rules()), default_rules(), 60), frozenset({"churn_risk"}))
    html = hits_page(empty)
    assert "No signal could be judged" in html
    assert "it asks the model" in html
    assert indented(empty)


def test_the_horizon_is_the_catalogues_unless_given(events: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: default\nmodel: {horizon_days: 28, risk_set_days: 60}\n")
    done = run("signals", str(events), "--catalogue", str(tmp_path / "mine.yaml"), "--json")
    assert orjson.loads(done.out)["rates"]["horizon_days"] == 28


def test_what_a_signal_watches_is_no_return_where_any_activity_is_one(events: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: default\nlifecycle: {silence: activity}\n")
    found = orjson.loads(run("signals", str(events), "--catalogue", str(tmp_path / "mine.yaml"), "--json").out)
    assert found["rates"]["comes_back_by"] == "activity"
    reasons = {one["signal"]: one["reason"] for one in found["rates"]["signals"]}
    assert reasons["support_spike"] is not None
    assert reasons["loyal_gone_silent"] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--catalogue", "bare.yaml", "--learn"), "the catalogue has no model"),
        (("--catalogue", "broken.yaml"), "line 3: signals.usage_drop.severity"),
        (("--html", "events.jsonl"), "is read by this command as well"),
    ],
)
def test_what_cannot_be_done_is_said(events: Path, more: tuple[str, ...], said: str) -> None:
    (events.parent / "bare.yaml").write_text("base: default\nmodel: off\n")
    (events.parent / "broken.yaml").write_text("base: default\nsignals:\n  usage_drop: {severity: loud}\n")
    done = run("signals", str(events), *(str(events.parent / word) if "." in word else word for word in more))
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_hit_rates_that_are_kept_are_not_replaced_by_none(tmp_path: Path) -> None:
    nothing, kept = tmp_path / "events.jsonl", tmp_path / "hit_rates.json"
    nothing.write_bytes(b"")
    kept.write_text("those of before")
    done = run("signals", str(nothing), "--keep", str(kept))
    assert "--keep: nobody is judged, so no hit rates are written" in done.err
    assert kept.read_text() == "those of before"
