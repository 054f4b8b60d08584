"""Real purchases of the CDNOW shop, of some of its customers: reading all of them takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from demo.story import lines_of_share
from support.program import ROOT

CDNOW: Final = ROOT / ".cache/data/CDNOW_master.txt"
"""All 23,570 customers over 18 months."""


def some_of_cdnow(share: int, folder: Path) -> Path:
    """The table of one customer in `share`, as the demo chooses them."""
    file = folder / CDNOW.name
    file.write_text("".join(lines_of_share(CDNOW, share)))
    return file
