"""The walls between the packages stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def test_import_contracts_hold() -> None:
    """In a process of its own: it switches off the loggers of whoever calls it."""
    done = subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_root_holds_only_what_is_named() -> None:
    named = {"pyproject.toml", "README.md", "Makefile", "LICENSE", "requirements.lock"}
    folders = {"streams", "models", "schemas", "deploy", "tests"}
    made = {"build", "dist", "churn_signals.egg-info"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - made == named | folders
