"""Bounds in time as a byte each: days from a customer's last review, for how long nothing need be looked at.

Kept small because every record holds some fifty of them. To look too early is harmless, only a waste.
"""

from typing import Final

from models.customer import NEVER

FOREVER: Final = 255
"""Never over by itself."""
FAR: Final = 254
"""The most days a byte tells: what lasts longer is looked at then, and told anew."""

_PASSED = [bytes(FOREVER if days == FOREVER else max(0, days - passed) for days in range(256)) for passed in range(256)]
"""By days passed, what remains of each bound."""


def days_until(bound: int, boundary: int) -> int:
    """A bound given as a day number, 0 when it is over.

    >>> days_until(20_005, 20_000), days_until(19_999, 20_000), days_until(NEVER, 20_000), days_until(21_000, 20_000)
    (5, 0, 255, 254)
    """
    if bound >= NEVER:
        return FOREVER
    days = bound - boundary
    return 0 if days < 0 else min(days, FAR)


def remaining(bounds: bytearray, passed: int) -> bytearray:
    """The same bounds some days later; at an earlier day as they are, which is to look too early.

    >>> list(remaining(bytearray([0, 3, 9, 254, 255]), 5))
    [0, 0, 4, 249, 255]
    """
    return bounds.translate(_PASSED[max(0, min(passed, FOREVER))])
