"""A virtual environment for each peer, made when first asked for: they exclude each other's versions."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from support.program import ROOT

REQUIREMENTS: Final = ROOT / "tests/benchmarks/peers/requirements"
PLACE: Final = ROOT / ".cache/bench"


class PeerError(Exception):
    """A peer could not be installed, or did not run to its end; says why in a line."""


def python_of(name: str) -> Path:
    """The Python of an environment with the exact versions in `requirements/NAME.txt`. Raises PeerError."""
    requirements, folder = REQUIREMENTS / f"{name}.txt", PLACE / name
    python, stamp = folder / "bin/python", folder / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(folder, clear=True, with_pip=False)
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", str(requirements))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), *install], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeerError(f"cannot be installed: {last_line(done.stderr)}")
    stamp.write_text(wanted)
    return python


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
