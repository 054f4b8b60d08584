"""Numbers as exports write them: signs, currencies, grouped thousands. What could be read in two ways is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Final, NamedTuple

from schemas.errors import RejectedError

MOST_DIGITS: Final = 30
"""More digits than any amount or count has; a whole number is kept exact up to here."""

_CURRENCY = r"(?:[A-Z]{0,3}[$€£¥₹₽₺₩₫₦₱฿₪₴₸₲₵]|[A-Z]{3}|[Kk]r\.?|zł|Kč|Ft|lei|Rp|RM|R|S?Fr\.?|TL)"
_SPACES = "\u0020\u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_SHAPE = re.compile(
    rf"(?P<open>\()?[{_SPACES}]?(?P<first>[-+\u2212])?[{_SPACES}]?(?:{_CURRENCY})?[{_SPACES}]?(?P<second>[-+\u2212])?"
    rf"(?P<digits>[0-9.,{_SPACES}{_APOSTROPHES}]*[0-9][.,]?)(?:[eE](?P<power>[-+]?[0-9]{{1,3}}))?"
    rf"[{_SPACES}]?(?:{_CURRENCY})?(?P<last>[-\u2212])?(?P<close>\))?"
)
_GROUPED = re.compile(rf"[0-9]{{1,3}}(?:(?P<sign>[.,{_SPACES}{_APOSTROPHES}])[0-9]{{3}})(?:(?P=sign)[0-9]{{3}})*")


class Number(NamedTuple):
    """A decimal number as it is written: digits before and after the decimal sign, without grouping."""

    is_negative: bool
    whole: str
    fraction: str
    power: int

    def as_float(self) -> float:
        """The nearest float; may be infinite."""
        found = float(f"{self.whole or '0'}.{self.fraction or '0'}e{self.power}")
        return -found if self.is_negative and found else found

    def as_int(self) -> int | None:
        """The whole number, or None when there is a fraction."""
        if self.power or self.fraction.strip("0"):
            value = self.as_float()
            return int(value) if isfinite(value) and value == int(value) and abs(value) < 1e15 else None
        return int(f"-{self.whole}" if self.is_negative else self.whole or "0")


def number_reader(decimal: str, grouping: str) -> Callable[[str], Number]:
    """How a mapping reads numbers. The function raises ValueError with what is wrong and, where known, the remedy."""

    @lru_cache(maxsize=10_000)
    def read(text: str) -> Number:
        shape = _SHAPE.fullmatch(text.strip())
        if shape is None:
            raise ValueError("is no number")
        signs = [sign for sign in (shape["first"], shape["second"], shape["last"]) if sign]
        in_brackets = shape["open"] is not None
        if len(signs) + in_brackets > 1 or in_brackets != (shape["close"] is not None):
            raise ValueError("is no number")
        whole, point, fraction = shape["digits"].strip(_SPACES).partition(decimal)
        if (point and not fraction.isdigit() and fraction) or len(whole) + len(fraction) > MOST_DIGITS:
            raise ValueError(_why(shape["digits"], decimal, grouping))
        if not (whole.isdigit() or (not whole and fraction)):
            grouped = _GROUPED.fullmatch(whole)
            if grouped is None or grouped["sign"] in {".", ","} - {grouping}:
                raise ValueError(_why(shape["digits"], decimal, grouping))
            whole = whole.replace(grouped["sign"], "")
        is_negative = in_brackets or bool(signs and signs[0] != "+")
        return Number(is_negative, whole, fraction, int(shape["power"] or 0))

    return read


def _why(digits: str, decimal: str, grouping: str) -> str:
    """What is wrong with digits that have no meaning by this decimal sign and grouping."""
    other = "," if decimal == "." else "."
    if len(digits) > MOST_DIGITS:
        return "has too many digits"
    if digits.count(other) == 1 and decimal not in digits:
        before, after = digits.split(other)
        if len(after) == 3 and other != grouping and 1 <= len(before) <= 3:
            return f'may be {before}.{after} or {before}{after}: say `decimal: "{other}"` or `thousands: "{other}"`'
        groups = "groups of thousands have three digits; " if other == grouping else ""
        return f'is no number; {groups}`decimal: "{other}"` in the mapping reads it as {before}.{after}'
    if other in digits and decimal in digits and digits.rindex(other) < digits.index(decimal) and other != grouping:
        return f'is no number; `thousands: "{other}"` in the mapping says what groups its thousands'
    if other in digits and decimal in digits and digits.index(decimal) < digits.index(other):
        return f'is no number with the decimal sign {decimal!r}; `decimal: "{other}"` in the mapping may be meant'
    return "is no number: groups of thousands have three digits and one sign"


def to_float(name: str, text: str, read: Callable[[str], Number]) -> float:
    """A cell as a number. Raises RejectedError."""
    try:
        found = read(text).as_float()
    except ValueError as error:
        raise RejectedError("wrong_type", f"{name}: {text[:80]!r} {error}") from None
    if not isfinite(found):
        raise RejectedError("out_of_range", f"{name}: {text[:80]!r} is too large")
    return found


def to_whole(name: str, text: str, read: Callable[[str], Number]) -> int:
    """A cell as a whole number (leading zeros go). Raises RejectedError."""
    try:
        found = read(text).as_int()
    except ValueError as error:
        raise RejectedError("wrong_type", f"{name}: {text[:80]!r} {error}") from None
    if found is None:
        raise RejectedError("wrong_type", f"{name}: {text[:80]!r} is no whole number")
    return found
