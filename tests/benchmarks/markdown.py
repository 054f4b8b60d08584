"""Tables, and where a part was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.results import Conditions

MB: Final = 1e6


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def told(given: Conditions) -> str:
    """Where and when a part was taken."""
    versions = ", ".join(f"{name} {number}" for name, number in given.versions.items())
    load = " ".join(f"{value:.1f}" for value in given.load_average)
    return (
        f"Taken {given.date} on {given.machine}; Python {given.python}, {versions}; load average at the start {load}."
    )
