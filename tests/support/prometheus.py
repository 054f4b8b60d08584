"""Prometheus' programs, and the rules and dashboards of `deploy`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
import yaml

from support.program import ROOT

DEPLOY: Final = ROOT / "deploy"
RULE_FILES: Final = ("recording.yml", "alerts.yml")
_UNPACKED: Final = ROOT / ".cache" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is; without it the test is skipped, or fails where it must not be."""
    found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
    if found is not None:
        return found
    how = f"{name} is neither on the path nor in {_UNPACKED}: `make install` fetches it, or says what to do"
    if os.environ.get("REQUIRE_PROMETHEUS"):
        pytest.fail(how)
    pytest.skip(how)


def promtool(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end; `given` is its standard input."""
    line = [program("promtool"), *arguments]
    return subprocess.run(line, cwd=ROOT, input=given, capture_output=True, text=True, timeout=120, check=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule, or an alert with its labels and annotations."""

    name: str
    expr: str
    is_alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule as committed."""
    return tuple(
        Rule(
            rule.get("alert") or rule["record"],
            rule["expr"],
            "alert" in rule,
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for file in RULE_FILES
        for group in yaml.safe_load((DEPLOY / "prometheus" / file).read_text())["groups"]
        for rule in group["rules"]
    )


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by the name of its file."""
    files = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]
