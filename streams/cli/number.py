"""Numbers as options of commands."""

from __future__ import annotations

from math import isfinite
from typing import Any

import click


class NumberRange(click.FloatRange):
    """A number within bounds; `nan` and `inf`, which no bound of click's refuses, are none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            self.fail(f"{value!r} is no number; it is to be {self._describe_range()}", param, ctx)
        return float(super().convert(number, param, ctx))
