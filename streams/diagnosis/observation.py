"""What `doctor` saw: a line of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of the diagnosis."""

    subject: str
    level: Level
    text: str
