"""From which width of a terminal on the board says more."""

from __future__ import annotations

from typing import Final

WIDE_FROM_WIDTH: Final = 140
"""Columns from which on all blocks stand side by side, and an alert fits on a line."""
SPACIOUS_FROM_WIDTH: Final = 96
"""Columns that leave room for what is less important."""
