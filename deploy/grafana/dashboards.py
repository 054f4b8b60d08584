"""Writes `dashboards/*.json`, which Grafana reads, from `business.yaml` and `platform.yaml`: `make dashboards`.

In a panel of the YAML files `kind` is timeseries unless said otherwise, `size` is [8, 8], `queries` is legend to
expression, `targets` are the legends drawn as dashed lines, `empty` is said where there is no data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
NAMES: Final = ("business", "platform")
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24

_LAST: Final = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
_OPTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {**_LAST, "graphMode": "none", "colorMode": "value", "textMode": "auto", "orientation": "auto"},
    "bargauge": {**_LAST, "displayMode": "basic", "orientation": "horizontal", "showUnfilled": False},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
_LINE: Final = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": 300_000}
"""`spanNulls`, in ms: while partitions move there are no sums for some seconds; the line is drawn through."""
_CUSTOM: Final[Mapping[str, dict[str, Any]]] = {
    "timeseries": _LINE,
    "stacked": {**_LINE, "fillOpacity": 30, "stacking": {"mode": "normal"}},
    "bars": {**_LINE, "drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80, "stacking": {"mode": "normal"}},
}
_TARGET: Final = {
    "color": {"mode": "fixed", "fixedColor": "red"},
    "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
    "custom.fillOpacity": 0,
    "custom.stacking": {"mode": "none"},
}
_VARIABLES: Final = {
    "job": ("deployment", "label_values(churn_topic_partitions, job)"),
    "instance": ("worker", 'label_values(churn_topic_partitions{job="$job"}, instance)'),
}


def dashboard(name: str) -> dict[str, Any]:
    """The JSON of one dashboard."""
    given = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    return {
        "uid": given["uid"],
        "title": given["title"],
        "description": given["description"],
        "tags": ["churn-signals"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": given["since"], "to": "now"},
        "links": [{"title": "Churn signals", "type": "dashboards", "tags": ["churn-signals"], "includeVars": True}],
        "annotations": {"list": []},
        "templating": {"list": [_datasource(), *map(_variable, given["variables"])]},
        "panels": list(_placed(given["rows"])),
    }


def text_of(name: str) -> str:
    """The file of a dashboard."""
    return json.dumps(dashboard(name), indent=1, ensure_ascii=False) + "\n"


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(name: str) -> dict[str, Any]:
    """A label to choose from: one deployment, any of its workers."""
    label, query = _VARIABLES[name]
    is_multiple = name == "instance"
    every = {"allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]}} if is_multiple else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "includeAll": is_multiple,
        "multi": is_multiple,
        "refresh": 2,
        "sort": 1,
        **every,
    }


def _placed(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Headings and panels, from left to right, with ids in this order."""
    number, y = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": row["title"], "collapsed": False, "panels": [], "gridPos": place}
        x, y, tallest = 0, y + 1, 0
        for panel in row["panels"]:
            number += 1
            width, height = panel.get("size", (8, 8))
            if x + width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            yield {"id": number, **_panel(panel), "gridPos": {"x": x, "y": y, "w": width, "h": height}}
            x, tallest = x + width, max(tallest, height)
        y += tallest


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    kind = panel.get("kind", "timeseries")
    kind_of_panel = "timeseries" if kind in _CUSTOM else kind
    steps: list[dict[str, Any]] = [{"color": "green" if "thresholds" in panel else "blue", "value": None}]
    steps += [{"color": color, "value": value} for value, color in panel.get("thresholds", {}).items()]
    text = {"textMode": panel["text"]} if "text" in panel else {}
    return {
        "type": kind_of_panel,
        "title": panel["title"],
        "description": panel["description"],
        "datasource": DATASOURCE,
        "targets": [_query(kind, *given) for given in zip("ABCDEF", panel["queries"].items(), strict=False)],
        "options": {**_OPTIONS[kind_of_panel], **text},
        "transformations": _one_line_a_label(panel["queries"]) if kind == "table" else [],
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                "noValue": panel.get("empty", "nothing yet"),
                "thresholds": {"mode": "absolute", "steps": steps},
                "color": {"mode": "palette-classic" if kind in _CUSTOM else "thresholds"},
                "custom": _CUSTOM.get(kind, {}),
            },
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": name},
                    "properties": [{"id": key, "value": value} for key, value in _TARGET.items()],
                }
                for name in panel.get("targets", ())
            ],
        },
    }


def _query(kind: str, letter: str, query: tuple[str, str]) -> dict[str, Any]:
    legend, expr = query
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": expr,
        "legendFormat": legend,
        "instant": kind not in _CUSTOM,
        "range": kind in _CUSTOM,
        "format": "table" if kind == "table" else "time_series",
    }


def _one_line_a_label(queries: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line a label, one column a query, the largest first."""
    names = {f"Value #{letter}": legend for letter, legend in zip("ABCDEF", queries, strict=False)}
    hidden = {"Time": True, "job": True, "__name__": True}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names}},
        {"id": "sortBy", "options": {"sort": [{"field": next(iter(queries)), "desc": True}]}},
    ]


if __name__ == "__main__":
    for known in NAMES:
        (HERE / "dashboards" / f"{known}.json").write_text(text_of(known))
    print(f"dashboards: {', '.join(NAMES)} in {HERE / 'dashboards'}")
