"""How many random examples the property tests try: a run of all tests takes a twentieth of those of `--full`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import settings

FULL: Final = 100
"""Of a test that does not say how many."""
EVERY_DAY: Final = 5
FULL_SIZE: Final = "full size"
"""The profile of `--full`."""

# Machines are shared: no test on wall time.
settings.register_profile("every day", deadline=None, print_blob=True, max_examples=EVERY_DAY)
settings.register_profile(FULL_SIZE, deadline=None, print_blob=True, max_examples=FULL)


def use(*, is_full: bool) -> None:
    """Choose, before the modules with the tests are imported."""
    settings.load_profile(FULL_SIZE if is_full else "every day")


def tries(most: int) -> int:
    """How many examples of a test that takes `most` at full size, by the profile in force."""
    return max(1, most * settings().max_examples // FULL)


def every_third(cases: Sequence[Any]) -> list[Any]:
    """What a test is given one by one: a third of it every day, the others with `--full`."""
    left = pytest.mark.full("a third is enough for every day: this one")
    return [case if place % 3 == 0 else pytest.param(case, marks=left) for place, case in enumerate(cases)]
