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


def find(name: str) -> str | None:
    """Where `prometheus` or `promtool` is: on the path, or where `make install` puts it."""
    return shutil.which(name) or shutil.which(name, path=str(_UNPACKED))


def program(name: str) -> str:
    """Where it is; without it the test is skipped, or fails where it must not be."""
    found = find(name)
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


def check_page(page: str) -> None:
    """The page of a worker that has worked: nothing for promtool to find fault with, and every metric documented."""
    done = promtool("check", "metrics", given=page)
    assert done.returncode == 0, done.stderr
    documented = (ROOT / "streams" / "README.md").read_text()
    named = {row.split(" ")[2] for row in page.splitlines() if row.startswith("# TYPE")}
    assert {name for name in named if f"`{name}`" not in documented and not name.startswith("process_")} == set()


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
