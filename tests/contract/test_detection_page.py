"""The page of the report of detection: whole, self-contained, explained, the same every time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import msgspec
import pytest

from models.detection.scores import detect
from schemas.instant import from_rfc3339
from streams.files.catalogue_file import load_rules
from streams.report.detection import DetectionReport, Made, encode_report, report_on
from streams.report.detection_page import detection_page
from streams.report.detection_rows import CHANGE_NAMES, KIND_COLUMNS, KINDS, SIGNAL_COLUMNS, TARGET_COLUMNS, kind_name
from streams.settings import Settings
from streams.simulation.detection import joined, observe, watched_of
from streams.simulation.kinds import KINDS as SIMULATED
from streams.simulation.population import World

SECTIONS = ("signals", "time", "loyal", "load", "kinds", "targets", "truth", "method")
FIGURES = ("quality", "found", "lead", "load", "loyal")
VOID = {"meta", "br", "link", "img", "hr", "input"}


def report_of(customers: int, days: int) -> DetectionReport:
    world = World(customers, days, 5, from_rfc3339("2026-01-01T00:00:00Z"))
    rules = load_rules(Settings())
    parts = list(observe(world, Settings(), 1))
    made = Made(customers, days, 5, "2026-01-01", rules.hash, "1.0")
    return report_on(made, detect(joined(world, parts), watched_of(rules)))


@dataclass
class Page(HTMLParser):
    """What a browser would find."""

    opened: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.opened.append(tag)
        self._look(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href"):
                self.links.append(value or "")
            elif name in ("src", "srcset", "action", "data") or name.startswith("on"):
                self.others.append((tag, name))
            elif name == "aria-label" and tag == "svg":
                self.labels.append(value or "")


@pytest.fixture(scope="module")
def report() -> DetectionReport:
    return report_of(150, 300)


@pytest.fixture(scope="module")
def html(report: DetectionReport) -> str:
    return detection_page(report)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    parsed = Page()
    parsed.feed(html)
    assert parsed.opened == []  # every element is closed
    return parsed


def test_every_section_is_there_and_reached_from_the_top(page: Page) -> None:
    assert set(SECTIONS) <= set(page.ids)
    assert {f"#{name}" for name in SECTIONS} <= set(page.links)


def test_page_runs_nothing_and_asks_for_nothing(html: str, page: Page) -> None:
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "image", "foreignobject", "base"} == set()
    assert page.others == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert "://" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "default-src 'none'" in html


def test_ids_are_unique_and_every_reference_within_the_page_is_met(html: str, page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    named = {link[1:] for link in page.links} | set(re.findall(r"url\(#([^)]*)\)", html))
    assert named - set(page.ids) == set()


def test_every_figure_is_drawn_labelled_and_coloured_by_the_page(html: str, page: Page) -> None:
    assert {element.partition("-")[0] for element in page.ids if element.endswith("figure_1")} == set(FIGURES)
    assert len(page.labels) == len(FIGURES)
    assert all(page.labels)
    for words in ("share, with its 95 % interval", "days since the change", "share of these customers", "first day of"):
        assert words in html
    drawn = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert [colour for svg in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", svg)] == []
    variables = set(re.findall(r"var\((--ink[a-z-]*)\)", "".join(drawn)))
    assert {name for name in variables if f"{name}:" not in html} == set()


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
    assert detection_page(msgspec.json.decode(encode_report(report), type=DetectionReport)) == html


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
