"""A mapping proposed for an unknown file, as YAML with a comment at each guess."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Final

from streams.errors import SetupError
from streams.files.known import known_system, sign_of
from streams.files.roles import (
    are_legal_ids,
    find,
    is_anything,
    is_currencies,
    is_few,
    is_numbers,
    is_times,
    mixed_formats,
    one_format,
    share_of_numbers,
)
from streams.files.sampling import Sample, sampled

_SIGNS: Final = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR", "₺": "TRY", "zł": "PLN", "Kč": "CZK"}
_ACTIONS: Final = (
    ("unsub|opt.?out|abmeld", "unsubscribed"), ("spam|complain|abuse", "complained"), ("bounce", "bounced"),
    ("click|klick", "clicked"), ("open|geöffnet", "opened"), ("sent|send|deliver|receiv|versand", "sent"),
)  # fmt: skip
_CATEGORIES: Final = (
    ("refund|return|rück|retour", "return"), ("deliver|shipp|liefer|livraison", "delivery"),
    ("bill|invoice|payment|rechnung", "billing"), ("complain|problem|beschwerde|incident", "complaint"),
)  # fmt: skip
_BY_DAY: Final = '"{customer_id}-{day}-{nth}"'
"""An id for what has none of its own."""
_NO_ORDER: Final = re.compile(
    r"cancel|storn|fail|pending|draft|void|annul|declin|on.?hold|unpaid|offen|abandon|delet|spam|closed.by.merge",
    re.IGNORECASE,
)
"""States of what is no order, or no ticket."""
_REFUND: Final = re.compile(r"refund|return|retour|erstatt|gutschrift|rembours|reembols|devol|retoure", re.IGNORECASE)
_MARK_MAIL: Final = re.compile(r"open|click|unsub|bounce|spam", re.IGNORECASE)
_TICKETS: Final = re.compile(r"ticket|requester|priority|assignee|solved|conversation|case", re.IGNORECASE)


def guessed(file: Path) -> str:
    """The YAML of a mapping for a file, to be looked over. Raises SetupError where nothing can be proposed."""
    sample = sampled(file)
    return known_system(sample) or _Proposal(sample, re.sub(r"[^a-z0-9]+", "-", file.name.split(".")[0].lower())).text()


class _Proposal:
    """What was found in a sample, written as a mapping."""

    def __init__(self, sample: Sample, source: str) -> None:
        self._sample, self._source = sample, source or "export"
        self._time = find(sample, "time", is_times)
        if self._time is None:
            shown = ", ".join(list(sample.columns)[:40])
            raise SetupError("mapping guess", f"no column holds times: {shown}", "Write the mapping by its reference.")
        self._customer = find(sample, "customer", is_anything, but=[self._time])
        if self._customer is None:
            shown = ", ".join(list(sample.columns)[:40])
            raise SetupError("mapping guess", f"no column names a customer: {shown}", "Write it by its reference.")
        self._decimal = self._decimal_sign()
        self._used = {self._time, self._customer}

    def text(self) -> str:
        """The YAML."""
        kind = self._kind()
        event = {"purchase": self._purchase, "ticket": self._ticket, "email": self._email, "login": self._login}[kind]()
        head = [
            "# A proposal: look at every line, then: churn-signals mapping try FILE --mapping THIS",
            f"source: {self._source}",
            *self._format(),
            self._customer_line(),
            self._time_line(),
        ]
        return "\n".join([*head, *event]) + "\n"

    def _kind(self) -> str:
        names = " ".join(self._sample.columns)
        action = find(self._sample, "action", is_few, but=[self._time or "", self._customer or ""])
        if action is not None and any(map(_MARK_MAIL.search, self._sample.filled(action))):
            return "email"
        if _TICKETS.search(names):
            return "ticket"
        return "purchase" if find(self._sample, "amount", is_numbers, but=self._used) else "login"

    def _format(self) -> list[str]:
        sample, lines = self._sample, []
        if sample.format == "json":
            lines.append("format: json")
            used = [path for path in sample.lists if f"{path}." in f"{self._time} {self._customer}"]
            lines += [f"for_each: {_quoted(path)}" for path in used[:1]]
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

    def _customer_line(self) -> str:
        assert self._customer is not None  # refused before
        values = self._sample.filled(self._customer)
        if any("@" in value for value in values):
            return f"customer_id: {{column: {_quoted(self._customer)}, trim: true, lower: true, hash: true}}"
        if all(are_legal_ids([value]) for value in values):
            return f"customer_id: {_template(self._customer)}"
        return f"customer_id: {{column: {_quoted(self._customer)}, trim: true, hash: true}} # they are no legal ids"

    def _time_line(self, name: str | None = None) -> str:
        column = name or self._time or ""
        formats = one_format(self._sample.filled(column))
        two = next((f for f in formats if f.startswith("%m/") and any(g.startswith("%d/") for g in formats)), None)
        chosen = formats[:1] or mixed_formats(self._sample.filled(column))
        if two is not None and not self._is_day_first():
            chosen = [two]
        written = _quoted(chosen[0]) if len(chosen) == 1 else f"[{', '.join(map(_quoted, chosen))}]"
        local = any("%z" not in one and one not in {"epoch_s", "epoch_ms"} for one in chosen)
        is_bare = chosen == ["iso"] and all(
            re.search(r"(Z|[-+]\d\d:?\d\d)$", one) for one in self._sample.filled(column)
        )
        zone = ", zone: UTC}" if local and not is_bare else "}"
        notes = ["zone: whose clock it is, as Europe/Berlin"] if zone != "}" else []
        notes += ["the days could be months, too"] if two is not None else []
        comment = f" # {'; '.join(notes)}" if notes else ""
        return f"time: {{column: {_quoted(column)}, format: {written}{zone}{comment}"

    def _is_day_first(self) -> bool:
        return self._decimal == "," or self._sample.separator == ";"

    def _purchase(self) -> list[str]:
        sample = self._sample
        amount = self._take("amount", is_numbers)
        order = self._take("order", is_anything)
        currency, items = self._take("currency", is_currencies), self._take("items", is_numbers)
        status, channel = self._take("status", is_few), self._take("channel", is_few)
        order_text = _template(order) if order else _BY_DAY
        if currency is None:
            told = f"currency: {self._currency_by_sign(amount)}"
        elif all(map(str.isupper, sample.filled(currency))):
            told = f"currency: {_template(currency)}"
        else:
            told = f"currency: {{column: {_quoted(currency)}, upper: true}}"
        lines = (
            [f"group_by: {_quoted(order)} # its lines follow each other"] if order and self._is_grouped(order) else []
        )
        lines += ["events:", *self._purchase_type(status)]
        lines += [f"    id: {_template(order, self._source)}"] if order else []
        lines += [
            "    data:",
            f"      order_id: {order_text}",
            f"      amount: {{number: {_quoted(amount or '')}}}",
            f"      {told}",
        ]
        counted = "sum" if lines[0].startswith("group_by") else "whole"
        lines.append(f"      items: {{{counted}: {_quoted(items)}}}" if items else "      items: 1")
        return [*lines, *([f"      channel: {_template(channel)}"] if channel else [])]

    def _ticket(self) -> list[str]:
        ticket, status = self._take("ticket", is_anything), self._take("status", is_few)
        solved = find(self._sample, "solved", is_times, but=self._used)
        category, channel = self._take("category", is_few), self._take("channel", is_few)
        data = [f"      ticket_id: {_template(ticket) if ticket else _BY_DAY}"]
        told = self._table(category, _CATEGORIES, "other") if category else "other"
        rest = [f"      category: {told}", *([f"      channel: {_template(channel)}"] if channel else [])]
        lines = ["events:", "  - type: ticket", *self._when(status)]
        lines += [f"    id: {_template(ticket, self._source, '-opened')}"] if ticket else []
        lines += ["    data:", *data, "      action: opened", *rest]
        if solved is not None:
            lines += ["  - type: ticket", "    also: true", f"    when: {{{_quoted(solved)}: {{empty: false}}}}"]
            lines += [f"    {self._time_line(solved)}"]
            lines += [f"    id: {_template(ticket, self._source, '-resolved')}"] if ticket else []
            lines += ["    data:", *data, "      action: resolved", *rest]
        return lines

    def _email(self) -> list[str]:
        action, campaign = self._take("action", is_few), self._take("campaign", is_anything)
        lines = ["events:", "  - type: email", "    data:"]
        lines.append(f"      action: {self._table(action or '', _ACTIONS, 'leave out')}")
        return [*lines, *([f"      campaign_id: {_template(campaign)}"] if campaign else [])]

    def _login(self) -> list[str]:
        channel = self._take("channel", is_few)
        data = f"{{channel: {_template(channel)}}}" if channel else "{}"
        return ["events:", "  - type: login # no amounts, tickets or mails were found", f"    data: {data}"]

    def _take(self, role: str, is_fit: object) -> str | None:
        found = find(self._sample, role, is_fit, but=self._used)  # type: ignore[arg-type] # one of the predicates above
        if found is not None:
            self._used.add(found)
        return found

    def _when(self, status: str | None) -> list[str]:
        if status is None:
            return []
        seen = [value for value, _ in Counter(self._sample.filled(status)).most_common(20)]
        never = [value for value in seen if _NO_ORDER.search(value)]
        kept = [value for value in seen if value not in never]
        told = f"left out: {', '.join(never)}" if never else "all that were seen: keep those that count"
        if not kept:
            return []
        return [f"    when: {{{_quoted(status)}: [{', '.join(map(_quoted, kept))}]}} # {told}"]

    def _purchase_type(self, status: str | None) -> list[str]:
        """A purchase; where a status tells of refunds, by a table of it."""
        seen = [value for value, _ in Counter(self._sample.filled(status)).most_common(20)] if status else []
        refunds = [value for value in seen if _REFUND.search(value)]
        if status is None or not refunds:
            return ["  - type: purchase # negative amounts become returns", *self._when(status)]
        pairs = [f"{_quoted(value)}: return" for value in refunds]
        pairs += [
            f"{_quoted(value)}: purchase" for value in seen if value not in refunds and not _NO_ORDER.search(value)
        ]
        return [f"  - type: {{column: {_quoted(status)}, values: {{{', '.join(pairs)}}}}} # others are left out"]

    def _is_grouped(self, order: str) -> bool:
        values = self._sample.columns[order]
        return any(one == other and one for one, other in pairwise(values))

    def _table(self, name: str, words: tuple[tuple[str, str], ...], otherwise: str) -> str:
        pairs = []
        for value, _ in Counter(self._sample.filled(name)).most_common(30):
            meant = next((meaning for word, meaning in words if re.search(word, value, re.IGNORECASE)), None)
            if meant is not None:
                pairs.append(f"{_quoted(value)}: {meant}")
        default = "" if otherwise == "leave out" else f", default: {otherwise}"
        return f"{{column: {_quoted(name)}, values: {{{', '.join(pairs)}}}, else: {otherwise}{default}}}"

    def _currency_by_sign(self, amount: str | None) -> str:
        values = " ".join(self._sample.filled(amount)[:50]) if amount else ""
        return next((code for sign, code in _SIGNS.items() if sign in values), "EUR # yours")


def _template(name: str, prefix: str = "", suffix: str = "") -> str:
    if "{" in name or "}" in name:
        return f"{{column: {_quoted(name)}}}"
    return _quoted(f"{prefix}{'-' if prefix else ''}{{{name}}}{suffix}", always=True)


def _quoted(text: str, *, always: bool = False) -> str:
    """A text as YAML has it, in quotes where it could be taken for something else."""
    if not always and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]", text):
        return text
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'
