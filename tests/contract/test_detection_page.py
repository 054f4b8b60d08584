"""The page of the report of detection: whole, self-contained, explained, the same every time."""

from __future__ import annotations

import msgspec
import pytest

from models.detection.scores import detect
from schemas.instant import from_rfc3339
from streams.files.catalogue_file import load_rules
from streams.report.detection import DetectionReport, Made, report_on
from streams.report.detection_page import detection_page
from streams.report.detection_rows import CHANGE_NAMES, KIND_COLUMNS, KINDS, SIGNAL_COLUMNS, TARGET_COLUMNS, kind_name
from streams.report.encoding import indented
from streams.settings import Settings
from streams.simulation.detection import joined, observe, watched_of
from streams.simulation.kinds import KINDS as SIMULATED
from streams.simulation.population import World
from support.html_page import Page, check_coloured_by_the_page, check_stands_alone, parsed

SECTIONS = ("signals", "time", "loyal", "load", "kinds", "targets", "truth", "method")
FIGURES = ("quality", "found", "lead", "load", "loyal")


def report_of(customers: int, days: int) -> DetectionReport:
    world = World(customers, days, 5, from_rfc3339("2026-01-01T00:00:00Z"))
    rules = load_rules(Settings())
    parts = list(observe(world, Settings(), 1))
    made = Made(customers, days, 5, "2026-01-01", rules.hash, "1.0")
    return report_on(made, detect(joined(world, parts), watched_of(rules)))


@pytest.fixture(scope="module")
def report() -> DetectionReport:
    return report_of(150, 300)


@pytest.fixture(scope="module")
def html(report: DetectionReport) -> str:
    return detection_page(report)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return parsed(html)


def test_every_section_is_there_and_reached_from_the_top(page: Page) -> None:
    assert set(SECTIONS) <= set(page.ids)
    assert {f"#{name}" for name in SECTIONS} <= set(page.links)


def test_page_stands_alone(html: str) -> None:
    check_stands_alone(html)


def test_every_figure_is_drawn_labelled_and_coloured_by_the_page(html: str, page: Page) -> None:
    assert {element.partition("-")[0] for element in page.ids if element.endswith("figure_1")} == set(FIGURES)
    assert len(page.labels) == len(FIGURES)
    assert all(page.labels)
    for words in ("share, with its 95 % interval", "days since the change", "share of these customers", "first day of"):
        assert words in html
    check_coloured_by_the_page(html)


def test_signals_kinds_changes_and_columns_are_explained(html: str) -> None:
    for signal in load_rules(Settings()).signals:
        assert signal.id in html
    for column in (*SIGNAL_COLUMNS, *KIND_COLUMNS, *TARGET_COLUMNS):
        assert f"<dt>{column.title}</dt><dd>" in html or column.title == "signal"
    assert {kind_name(kind) for kind in SIMULATED} == {kind.title for kind in KINDS}
    for name in CHANGE_NAMES.values():
        assert name in html
    assert "--customers 150 --days 300 --seed 5 --start 2026-01-01 --detect" in html


def test_same_report_is_the_same_page(report: DetectionReport, html: str) -> None:
    assert detection_page(msgspec.json.decode(indented(report), type=DetectionReport)) == html


def test_texts_are_escaped(report: DetectionReport) -> None:
    made = msgspec.structs.replace(report.made, catalogue="<script>alert(1)</script>")
    assert "<script" not in detection_page(msgspec.structs.replace(report, made=made))


def test_verdict_tells_what_was_missed(report: DetectionReport) -> None:
    target = msgspec.structs.replace(report.targets[0], is_met=False)
    html = detection_page(msgspec.structs.replace(report, targets=(target, *report.targets[1:])))
    assert "targets</a> missed" in html
    assert target.name in html


def test_data_that_say_little_still_make_a_page() -> None:
    short = detection_page(report_of(12, 20))
    assert "No target could be judged" in short
    assert 'id="method"' in short
    assert "found-figure_1" not in short
