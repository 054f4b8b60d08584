"""Comparisons with a number as what they are of whole numbers: a band of them, from the least to the most."""

import operator
from collections.abc import Callable, Mapping
from math import floor
from typing import Any, Final

from models.config import Number
from models.customer import NEVER

RELATIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
FARTHEST: Final = 1 << 60
"""Beyond any number that is compared: sums of minor units stay below."""
GREATEST: Final = 1e12
"""Largest limit of a band: so far a float tells each hundredth from the next."""


class Band:
    """The whole numbers n for which `n / scale op limit` holds: those in the band, or (by !=) those outside.

    >>> band = Band(">", 2.5)
    >>> band.least, band.most == FARTHEST, band.days_to_flip(1), band.days_to_flip(3) == NEVER
    (3, True, 2, True)
    """

    __slots__ = ("is_inside", "least", "most")

    def __init__(self, op: str, limit: Number, scale: int = 1) -> None:
        self.is_inside = op != "!="
        relation = RELATIONS[op if self.is_inside else "=="]
        around = floor(limit * scale)
        held = [n for n in range(around - 1, around + 3) if relation(n / scale, limit)]
        self.least: int = -FARTHEST if op in ("<", "<=") else min(held, default=FARTHEST)
        self.most: int = FARTHEST if op in (">", ">=") else max(held, default=-FARTHEST)

    def days_to_flip(self, number: int) -> int:
        """After how many days the comparison first changes if the number grows by one a day."""
        edge = self.least if number < self.least else self.most + 1
        return min(edge - number, NEVER) if edge > number else NEVER
