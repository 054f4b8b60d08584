"""The dashboards are complete and well formed, and ask for nothing that does not exist."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from grafana.dashboards import NAMES, text_of
from support.idle import pages
from support.prometheus import DEPLOY, dashboards, panels, rules

BOARDS: Final = pytest.mark.parametrize("board", dashboards().values(), ids=dashboards().keys())


def metrics() -> set[str]:
    """Every name a worker or a learner tells, those of Prometheus itself, and what the rules record."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    page = pages() + generate_latest(registry).decode()
    kinds = re.findall(r"^# TYPE (\S+) (\S+)", page, re.MULTILINE)
    parts = {f"{name}_{part}" for name, kind in kinds if kind == "histogram" for part in ("bucket", "count", "sum")}
    return {name for name, kind in kinds} | parts | {rule.name for rule in rules() if not rule.is_alert} | {"up"}


def queries() -> list[tuple[str, str]]:
    """Title and expression of every query."""
    shown = [panel for board in dashboards().values() for panel in panels(board)]
    return [(panel["title"], query["expr"]) for panel in shown for query in panel["targets"]]


def names_in(expr: str) -> set[str]:
    """The metrics an expression asks for."""
    without_text = re.sub(r'"[^"]*"', "", expr)
    return set(re.findall(r"\b(?:[a-z_]+:)?(?:churn|process)_\w+(?::\w+)?|\bup\b", without_text))


def test_the_files_are_what_the_descriptions_make() -> None:
    assert dashboards().keys() == set(NAMES)
    for name in NAMES:
        written = (DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text()
        assert written == text_of(name), f"{name}: make dashboards"


def test_rules_and_dashboards_ask_only_for_what_exists() -> None:
    known = metrics()
    asked = {rule.name: rule.expr for rule in rules()}
    asked |= {
        panel["title"]: query["expr"]
        for board in dashboards().values()
        for panel in panels(board)
        for query in panel["targets"]
    }
    assert all(names_in(expr) or expr.startswith("vector(") for expr in asked.values())
    assert {(title, name) for title, expr in asked.items() for name in names_in(expr) - known} == set()


def test_everything_recorded_is_used() -> None:
    exprs = [rule.expr for rule in rules()]
    exprs += [expr for _, expr in queries()]
    used = set().union(*(names_in(expr) for expr in exprs))
    assert {rule.name for rule in rules() if not rule.is_alert} - used == set()


@BOARDS
def test_every_panel_says_what_it_shows_and_in_which_unit(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"].endswith(".")
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        assert defaults["noValue"]
    titles = [panel["title"] for panel in panels(board)]
    assert len(titles) == len(set(titles))


@BOARDS
def test_every_query_goes_to_the_chosen_prometheus_and_deployment(board: dict[str, Any]) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert variables >= {"datasource", "job"}
    for panel in panels(board):
        assert panel["datasource"] == chosen
        assert panel["targets"]
        for query in panel["targets"]:
            expr = query["expr"]
            assert query["datasource"] == chosen
            assert query["legendFormat"]
            assert set(re.findall(r"\$(\w+)", expr)) <= variables | {"__rate_interval"}
            selectors = re.findall(r"\b(?:[a-z_]+:)?(?:churn|process)_[\w:]+(\{[^}]*\})?", expr)
            assert all('job="$job"' in selector for selector in selectors), expr


@BOARDS
def test_rates_follow_the_scrape_interval(board: dict[str, Any]) -> None:
    for panel in panels(board):
        for query in panel["targets"]:
            assert re.findall(r"\b(?:i?rate|i?delta)\([^[]*\[(?!\$__rate_interval\])", query["expr"]) == []


@BOARDS
def test_panels_have_their_own_id_and_place(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below, (one, other)


def test_the_first_row_says_how_many_are_at_risk_what_share_and_what_it_is_worth() -> None:
    first = [panel for panel in panels(dashboards()["business"]) if panel["gridPos"]["y"] == 1]
    assert [panel["title"] for panel in first[:4]] == [
        "Customers at risk",
        "Share of the base",
        "Spend at risk",
        "Against a month ago",
    ]
