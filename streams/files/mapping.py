"""What a mapping file says: how the lines of a table, or JSON objects, become events. The reference: ../mappings."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

WHITESPACE: Final = "whitespace"
LEAVE_OUT: Final = "leave out"
"""What `else:` says for lines that are to be left out, and counted."""
RETURN: Final = "return"
"""A type of event beside the contract's four: a ticket of category return."""

NOBODY: Final = (
    "guest", "gast", "invité", "invitado", "convidado", "ospite", "0", "-1", "null", "none", "nil", "undefined", "nan",
    "n/a", "#n/a", "-", "anonymous", "unknown",
)  # fmt: skip
"""Ids that shops and help desks write when they know no customer: taken together they would be one who never leaves."""

Scalar = str | int | float | bool
Names = str | tuple[str, ...]
"""A column, or several of which the first that is filled counts."""


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"otherwise": "else"}):
    """How one value is read. Exactly one of the first six says from where; the others change it, in this order.

    `trim`, `lower`, `upper`, then `values` (a table; what is not in it is a bad line unless there is an `else`), `hash`
    (32 hex digits of sha256; a text is mixed in as a key), `prefix`. `default` stands for what is empty.
    """

    column: Names | None = None
    text: str | None = None
    number: Names | None = None
    whole: Names | None = None
    sum: str | None = None
    count: str | None = None
    trim: bool = False
    lower: bool = False
    upper: bool = False
    values: dict[str, Scalar] | None = None
    otherwise: Scalar | None = None
    hash: bool | str = False
    prefix: str = ""
    default: Scalar | None = None


Value = Scalar | Cell


class WhenCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"is_in": "is", "not_in": "not"}):
    """What a column must be; all that is said must hold."""

    is_in: Names | None = None
    not_in: Names | None = None
    empty: bool | None = None
    sign: Literal["negative", "zero", "positive"] | None = None


class TimeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the event time is, how it is written (a format, or several), and in which zone.

    `invented_hours` (from, to) makes up a time of day, the same one every time, for data that has only dates.
    """

    format: Names
    column: Names | None = None
    text: str | None = None
    zone: str | None = None
    invented_hours: tuple[int, int] | None = None


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of event. The first rule whose `when` fits makes the line's event; each `also` that fits, one more."""

    type: str | Cell
    data: dict[str, Value] = {}
    id: Value | None = None
    when: dict[str, str | tuple[str, ...] | WhenCondition] = {}
    also: bool = False
    time: TimeRule | None = None


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file.

    Without `columns` the first line names them; `separator` is one character, `tab` or `whitespace`. With `decimal:
    ","` the dot groups thousands, as in 1.234,50, unless `thousands` says otherwise. `zone` is for times that name
    none, `currency` for purchases whose `data` has none.
    """

    source: str
    customer_id: Value
    time: TimeRule
    events: tuple[EventRule, ...]
    format: Literal["csv", "json"] | None = None
    encoding: str | None = None
    zone: str = "UTC"
    currency: str | None = None
    separator: str = ","
    quote: str = '"'
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", ""] | None = None
    columns: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    skip_lines: int = 0
    group_by: str | None = None
    for_each: Names = ()
    refunds: Literal["return", "leave out", "refuse"] = "return"
    nobody: tuple[str, ...] = ()
    somebody: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()

    @property
    def grouping(self) -> str:
        """The sign that groups thousands, beside spaces and apostrophes; empty when there is none."""
        if self.thousands is not None:
            return self.thousands
        return "." if self.decimal == "," else ""


def listed(names: Names | None) -> tuple[str, ...]:
    """One name or several, as several."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else names


def texts_in(template: str) -> list[tuple[str, str | None]]:
    """A text as pairs of what stands as it is and the name that follows; names are taken literally.

    Braces that are doubled stand for themselves. Raises ValueError for a brace without its partner.

    >>> texts_in("shop-{order.id}"), texts_in("{{x}}")
    ([('shop-', 'order.id')], [('{x}', None)])
    """
    pairs: list[tuple[str, str | None]] = []
    plain, at = "", 0
    while at < len(template):
        sign = template[at]
        if sign not in "{}":
            plain += sign
        elif template[at : at + 2] == sign * 2:
            plain += sign
            at += 1
        elif sign == "}" or (end := template.find("}", at)) < 0:
            raise ValueError(f"{template!r}: expected '{'{' if sign == '}' else '}'}'")
        else:
            pairs.append((plain, template[at + 1 : end]))
            plain, at = "", end
        at += 1
    return [*pairs, (plain, None)] if plain or not pairs else pairs
