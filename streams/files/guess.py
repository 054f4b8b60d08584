"""A mapping proposed for an unknown file, as YAML with a comment at each guess."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

from streams.errors import SetupError
from streams.files.fields import shown_names
from streams.files.guess_events import GuessedEvents, action_columns
from streams.files.known import known_system
from streams.files.mapping_text import quoted, sign_of, template
from streams.files.roles import (
    are_legal_ids,
    are_many,
    find,
    is_few,
    is_numbers,
    is_times,
    mixed_formats,
    one_format,
    share_of_numbers,
)
from streams.files.sampling import Sample, sampled
from streams.files.times import ISO

_MARK_MAIL: Final = re.compile(r"open|click|unsub|bounce|spam", re.IGNORECASE)
_TICKETS: Final = re.compile(r"ticket|requester|priority|assignee|solved|conversation|case", re.IGNORECASE)
_MOST_NOBODY: Final = 10
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


def guessed(file: Path) -> str:
    """The YAML of a mapping for a file, to be looked over. Raises SetupError where nothing can be proposed."""
    sample = sampled(file)
    if sample.columns.keys() >= {"type", "customer_id", "event_time", "schema_version"}:
        raise SetupError("event file", f"{file} holds events of the contract", "It needs no mapping: give it as it is.")
    return known_system(sample) or _Proposal(sample, re.sub(r"[^a-z0-9]+", "-", file.name.split(".")[0].lower())).text()


class _Proposal:
    """What was found in a sample, written as a mapping."""

    def __init__(self, sample: Sample, source: str) -> None:
        self._sample, self._source = sample, source or "export"
        self._time = find(sample, "time", is_times) or next(
            (name for name in sample.columns if "[]" not in name and one_format(sample.filled(name))), None
        )
        if self._time is None:
            value = f"no column holds times: {shown_names(sample.columns)}"
            raise SetupError("mapping guess", value, "Write the mapping by its reference.")
        self._customer = find(sample, "customer", are_many, but=[self._time])
        if self._customer is None:
            value = f"no column names a customer: {shown_names(sample.columns)}"
            raise SetupError("mapping guess", value, "Write it by its reference.")
        self._decimal = self._decimal_sign()
        self._used = {self._time, self._customer}

    def text(self) -> str:
        """The YAML."""
        events = GuessedEvents(self._sample, self._source, self._used, self._time_line).lines(self._kind())
        head = [
            "# A proposal: look at every line, then: churn-signals mapping try FILE --mapping THIS",
            f"source: {self._source}",
            *self._format(),
            *self._customer_lines(),
            self._time_line(),
        ]
        return "\n".join([*head, *events]) + "\n"

    def _kind(self) -> str:
        names = " ".join(self._sample.columns)
        action = find(self._sample, "action", is_few, but=[self._time or "", self._customer or ""])
        if action is not None and any(map(_MARK_MAIL.search, self._sample.filled(action))):
            return "email"
        if _TICKETS.search(names):
            return "ticket"
        if len(action_columns(self._sample, self._used)) > 1:
            return "deliveries"
        return "purchase" if find(self._sample, "amount", is_numbers, but=self._used) else "login"

    def _format(self) -> list[str]:
        sample, lines = self._sample, []
        if sample.format == "json":
            lines.append("format: json")
            used = [path for path in sample.lists if f"{path}." in f"{self._time} {self._customer}"]
            lines += [f"for_each: {quoted(path)}" for path in used[:1]]
        if sample.encoding:
            lines.append(f"encoding: {sample.encoding} # it is not UTF-8")
        if sample.format == "csv" and sample.separator != ",":
            lines.append(f"separator: {sign_of(sample.separator)}")
        if self._decimal == ",":
            lines.append('decimal: ","')
        elif self._groups_with_commas():
            lines.append('thousands: ","')
        return lines

    def _decimal_sign(self) -> str:
        values = [value for name in self._numeric() for value in self._sample.filled(name)[:300]]
        point, comma = share_of_numbers(values, ".", ","), share_of_numbers(values, ",", ".")
        return "," if comma > point else "."

    def _numeric(self) -> list[str]:
        return [
            name for name in self._sample.columns if name != self._time and is_numbers(self._sample.filled(name)[:300])
        ]

    def _groups_with_commas(self) -> bool:
        values = [value for name in self._numeric() for value in self._sample.filled(name)]
        return share_of_numbers(values, ".", ",") > share_of_numbers(values, ".", "")

    def _customer_lines(self) -> list[str]:
        assert self._customer is not None  # refused before
        values, name = self._sample.filled(self._customer), quoted(self._customer)
        others = Counter(value for value in values if "@" not in value)
        if others.total() < len(values):  # addresses
            lines = [f"customer_id: {{column: {name}, trim: true, lower: true, hash: true}}"]
            often = [value for value, count in others.most_common(_MOST_NOBODY) if count > 1]
            is_few = others.total() < len(values) / 2
            told = f"nobody: [{', '.join(map(quoted, often))}] # no addresses, and more than once"
            return [*lines, told] if often and is_few else lines
        if are_legal_ids(values):
            return [f"customer_id: {template(self._customer)}"]
        return [f"customer_id: {{column: {name}, trim: true, hash: true}} # they are no legal ids"]

    def _time_line(self, name: str | None = None) -> str:
        column = name or self._time or ""
        formats = one_format(self._sample.filled(column))
        two = next((f for f in formats if f.startswith("%m/") and any(g.startswith("%d/") for g in formats)), None)
        chosen = formats[:1] or mixed_formats(self._sample.filled(column))
        if two is not None and not self._is_day_first():
            chosen = [two]
        written = quoted(chosen[0]) if len(chosen) == 1 else f"[{', '.join(map(quoted, chosen))}]"
        local = any("%z" not in one and one not in {"epoch_s", "epoch_ms"} for one in chosen)
        is_bare = chosen == ["iso"] and all(
            re.search(r"(Z|[-+]\d\d:?\d\d)$", one) for one in self._sample.filled(column)
        )
        zone = ", zone: UTC}" if local and not is_bare else "}"
        notes = ["zone: whose clock it is, as Europe/Berlin"] if zone != "}" else []
        notes += ["the days could be months, too"] if two is not None else []
        comment = f" # {'; '.join(notes)}" if notes else ""
        clock = self._clock_beside(chosen) if name is None else None
        if clock is not None:
            seconds = ":%S" if self._sample.filled(clock)[0].count(":") > 1 else ""
            both = quoted(f"{{{column}}} {{{clock}}}")
            return f'time: {{text: {both}, format: "{_plain_format(chosen[0])} %H:%M{seconds}", zone: UTC}}{comment}'
        return f"time: {{column: {quoted(column)}, format: {written}{zone}{comment}"

    def _clock_beside(self, formats: list[str]) -> str | None:
        """A column with times of day, where the other has only dates."""
        values = self._sample.filled(self._time or "")
        if len(formats) != 1 or "%H" in formats[0] or any(":" in value for value in values):
            return None
        columns = ((name, self._sample.filled(name)) for name in self._sample.columns)
        return next((name for name, texts in columns if texts and all(map(_CLOCK.fullmatch, texts))), None)

    def _is_day_first(self) -> bool:
        return self._decimal == "," or self._sample.separator == ";"


def _plain_format(written: str) -> str:
    """A format of dates that more can be added to."""
    return "%Y-%m-%d" if written == ISO else written
