"""Rules and alerts are well formed, tried one by one, and lead to a section of the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from streams.__main__ import COMMANDS
from streams.settings import Settings
from support.documents import text_of
from support.program import ROOT
from support.prometheus import DEPLOY, RULE_FILES, Rule, program, promtool, rules

RUNBOOK: Final = (DEPLOY / "handbook" / "runbook.md").read_text()
CASES: Final = sorted((ROOT / "tests" / "data" / "prometheus").glob("*.yml"))
ALERTS: Final = [rule for rule in rules() if rule.is_alert]


def test_the_rules_pass_every_lint() -> None:
    files = [str(DEPLOY / "prometheus" / name) for name in RULE_FILES]
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid_once_there_is_a_token(tmp_path: Path) -> None:
    """The token itself is never committed."""
    for file in (DEPLOY / "prometheus").rglob("*.yml"):
        copy = tmp_path / file.relative_to(DEPLOY / "prometheus")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(file.read_text())
    assert promtool("check", "config", str(tmp_path / "prometheus.yml")).returncode != 0
    (tmp_path / "token").write_text("secret")
    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_make_up_starts_is_scraped() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "targets" / "workers.yml").read_text())
    makefile = (ROOT / "Makefile").read_text()
    others = re.findall(r"^(?:LEARNER|DISPATCHER)_METRICS_PORT \?= (\d+)$", makefile, flags=re.MULTILINE)
    assert len(others) == 2
    assert group["targets"] == [f"127.0.0.1:{port}" for port in (Settings().metrics_port, *others)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_should_and_only_then(case: Path) -> None:
    done = promtool("test", "rules", str(case))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_firing_and_seen_silent() -> None:
    firing, silent = set(), set()
    for case in CASES:
        for test in yaml.safe_load(case.read_text())["tests"]:
            seen = [
                {
                    found
                    for sample in look["exp_samples"]
                    for found in re.findall(r'alertname="(\w+)"', sample["labels"])
                }
                for look in test["promql_expr_test"]
                if "ALERTS" in look["expr"]
            ]
            firing |= set().union(*seen)
            silent |= {name for name in set().union(*seen) if any(name not in look for look in seen)}
    names = {rule.name for rule in ALERTS}
    assert firing == names
    assert silent == names


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_happened_how_bad_it_is_and_what_to_do(alert: Rule) -> None:
    assert alert.labels["severity"] in ("critical", "error", "warning")
    assert len(alert.annotations["summary"]) < 100
    assert len(alert.annotations["description"]) > 50
    file, _, anchor = alert.annotations["runbook_url"].partition("#")
    assert file == "deploy/handbook/runbook.md"
    section = sections()[anchor]
    assert [row for row in section.splitlines() if row.startswith("- ")]
    for word in ("\n- Look: ", "\n- Do: ", "\n- Over "):
        assert word in section, f"{alert.name}: {word.strip()}"


def test_the_runbook_has_no_section_without_an_alert_and_no_link_that_leads_nowhere() -> None:
    assert sections().keys() == {rule.name.lower() for rule in ALERTS}
    assert set(re.findall(r"\(#(\w+)\)", RUNBOOK)) <= sections().keys()


def test_the_runbook_names_commands_metrics_and_files_that_exist() -> None:
    assert set(re.findall(r"churn-signals ([a-z-]+)", RUNBOOK)) <= set(COMMANDS)
    reference = text_of("streams/README.md", "models/README.md")
    assert {name for name in re.findall(r"\bchurn_[a-z_]+", RUNBOOK) if f"`{name}`" not in reference} == set()
    assert {name for name in re.findall(r"\bCHURN_[A-Z_]+", RUNBOOK) if f"`{name}`" not in reference} == set()
    files = set(re.findall(r"`(deploy/[\w/.]+)`", RUNBOOK))
    assert files
    assert {name for name in files if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_where_prometheus_cannot_be_had_install_says_so_and_only_ci_fails(
    tmp_path: Path, required: str, code: int
) -> None:
    (bare := tmp_path / "bin").mkdir()
    for name in ("bash", "mktemp", "rm", "tail", "id"):
        (bare / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [bare / "bash", DEPLOY / "prometheus" / "fetch.sh", tmp_path / "cache"],
        env={"PATH": str(bare), "REQUIRE_PROMETHEUS": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "are skipped. Install prometheus and promtool" in done.stderr


@pytest.mark.parametrize(("required", "what"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_test_that_needs_prometheus_is_skipped_without_it_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, required: str, what: type[BaseException]
) -> None:
    monkeypatch.setenv("REQUIRE_PROMETHEUS", required)
    with pytest.raises(what, match="make install"):
        program("prometheus-of-nowhere")


def test_ci_requires_prometheus() -> None:
    assert "export REQUIRE_PROMETHEUS=1" in (ROOT / ".ci" / "run").read_text()


def sections() -> dict[str, str]:
    """Anchor to text."""
    parts = re.split(r"^## (\S+)\n", RUNBOOK, flags=re.MULTILINE)[1:]
    return {name.lower(): text for name, text in zip(parts[::2], parts[1::2], strict=True)}
