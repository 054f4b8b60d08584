"""Every command is there, has a help with an example, and starts quickly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from streams.__main__ import COMMANDS
from support.program import ROOT, run


def test_help_lists_every_command_with_examples() -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert all(f"  {name} " in outcome.out for name in COMMANDS)
    assert "Examples:" in outcome.out


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_with_an_example(name: str) -> None:
    outcome = run(name, "--help")
    assert outcome.code == 0, outcome.err
    text = outcome.out
    if "Commands:" in text:  # a group: its verbs hold the examples
        verb = text.partition("Commands:")[2].split()[0]
        text += run(name, verb, "--help").out
    assert "Example" in text


def test_unknown_command_is_wrong_usage() -> None:
    outcome = run("wroker")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_drawing_is_loaded_only_where_something_is_drawn() -> None:
    code = "import sys, streams.cli.simulate; sys.exit('matplotlib' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
