"""The events of a proposed mapping: which column fills which field, with a comment at each guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final

from streams.files.mapping_text import quoted, template
from streams.files.roles import find, is_anything, is_currencies, is_few, is_numbers, is_times
from streams.files.sampling import Sample

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
    r"cancel|storn|fail|pending|draft|void|annul|declin|on.?hold|unpaid|offen|abandon|delet", re.IGNORECASE
)
"""States of what is no order."""
_NO_TICKET: Final = re.compile(r"delet|spam|merged", re.IGNORECASE)
_REFUND: Final = re.compile(r"refund|return|retour|erstatt|gutschrift|rembours|reembols|devol", re.IGNORECASE)


_YES: Final = re.compile(r"y|yes|true|x|ja|oui|s[ií]|sim", re.IGNORECASE)


def action_columns(sample: Sample, used: Iterable[str]) -> list[tuple[str, str]]:
    """Actions on mails that columns are named after, each with the first such column."""
    found: dict[str, str] = {}
    for name in sample.columns:
        of = next((action for words, action in _ACTIONS if re.search(words, name, re.IGNORECASE)), None)
        if of not in (None, "sent") and name not in used:
            found.setdefault(str(of), name)
    return list(found.items())


class GuessedEvents:
    """Writes the rules for one kind of event; columns that have a role already are `used`."""

    def __init__(self, sample: Sample, source: str, used: set[str], time_line: Callable[[str], str]) -> None:
        self._sample, self._source, self._used, self._time_line = sample, source, used, time_line

    def lines(self, kind: str) -> list[str]:
        """The YAML from `events:` on, with a `group_by` before it where lines are of one order."""
        writers = {
            "purchase": self._purchase, "ticket": self._ticket, "login": self._login,
            "email": self._email, "deliveries": self._deliveries,
        }  # fmt: skip
        return writers[kind]()

    def _purchase(self) -> list[str]:
        amount, order = self._take("amount", is_numbers), self._take("order", is_anything)
        refunded, currency = self._take("refunded", is_numbers), self._take("currency", is_currencies)
        items, status = self._take("items", is_numbers), self._take("status", is_few)
        is_grouped, is_repeated = self._lines_of(order, amount)
        lines = [f"group_by: {quoted(order)} # its lines follow each other"] if order and is_grouped else []
        lines += ["events:", *self._purchase_type(status)]
        if order is not None and is_repeated:
            lines.append(f"    id: {template(order, self._source, '-{nth}')} # an order has several lines")
        elif order is not None:
            lines.append(f"    id: {template(order, self._source)}")
        number = template(order) if order else _BY_DAY
        lines += ["    data:", f"      order_id: {number}", f"      amount: {{number: {quoted(amount or '')}}}"]
        lines.append(f"      currency: {self._currency(currency, amount)}")
        added = "sum" if is_grouped or "[]" in (items or "") else "whole"
        lines.append(f"      items: {{{added}: {quoted(items)}, default: 1}}" if items else "      items: 1")
        lines += self._channel()
        if refunded is not None and order is not None:
            lines += ["  - type: return", "    also: true", f"    when: {{{quoted(refunded)}: {{sign: positive}}}}"]
            lines += [f"    id: {template(order, self._source, '-refund')}", f"    data: {{order_id: {number}}}"]
        return lines

    def _ticket(self) -> list[str]:
        ticket, status = self._take("ticket", is_anything), self._take("status", is_few)
        solved, category = find(self._sample, "solved", is_times, but=self._used), self._take("category", is_few)
        data = [f"      ticket_id: {template(ticket) if ticket else _BY_DAY}"]
        told = self._table(category, _CATEGORIES, "other") if category else "other"
        rest = [f"      category: {told}", *self._channel()]
        counts = self._when(status, _NO_TICKET)
        lines = ["events:", "  - type: ticket", *counts]
        lines += [f"    id: {template(ticket, self._source, '-opened')}"] if ticket else []
        lines += ["    data:", *data, "      action: opened", *rest]
        if solved is not None:
            is_solved = f"{quoted(solved)}: {{empty: false}}"
            both = [line.replace("when: {", f"when: {{{is_solved}, ", 1).partition(" #")[0] for line in counts]
            lines += ["  - type: ticket", "    also: true", *(both or [f"    when: {{{is_solved}}}"])]
            lines += [f"    {self._time_line(solved)}"]
            lines += [f"    id: {template(ticket, self._source, '-resolved')}"] if ticket else []
            lines += ["    data:", *data, "      action: resolved", *rest]
        return lines

    def _email(self) -> list[str]:
        action, campaign = self._take("action", is_few), self._take("campaign", is_anything)
        lines = ["events:", "  - type: email", "    data:"]
        lines.append(f"      action: {self._table(action or '', _ACTIONS, 'leave out')}")
        return [*lines, *([f"      campaign_id: {template(campaign)}"] if campaign else [])]

    def _deliveries(self) -> list[str]:
        """A line a mail, with a column for each thing that may have been done with it."""
        campaign, delivery = self._take("campaign", is_anything), self._take("delivery", is_anything)
        named = f"campaign_id: {template(campaign)}, " if campaign else ""
        lines = ["events:"]
        for action, column in [("sent", None), *action_columns(self._sample, self._used)]:
            lines += ["  - type: email", *(self._done(column) if column else [])]
            lines += [f"    id: {template(delivery, self._source, f'-{action}')}"] if delivery else []
            lines.append(f"    data: {{{named}action: {action}}}")
        return lines

    def _done(self, column: str) -> list[str]:
        """The condition that somebody did what a column speaks of, with the time if it holds times."""
        values, name = self._sample.filled(column), quoted(column, always=True)
        if not values:
            told = "# empty in the first lines; if it holds times, give this rule a `time:` of its own"
            return ["    also: true", f"    when: {{{name}: {{empty: false}}}} {told}"]
        if is_times(values):
            return ["    also: true", f"    when: {{{name}: {{empty: false}}}}", f"    {self._time_line(column)}"]
        if any(map(_YES.fullmatch, values)):
            seen = ", ".join(quoted(value, always=True) for value in self._kinds(column) if _YES.fullmatch(value))
            return ["    also: true", f"    when: {{{name}: [{seen}]}}"]
        wanted = "{sign: positive}" if is_numbers(values) else "{empty: false} # look at what stands there"
        return ["    also: true", f"    when: {{{name}: {wanted}}}"]

    def _login(self) -> list[str]:
        lines = ["events:", "  - type: login # no amounts, tickets or mails were found"]
        channel = self._channel()
        return [*lines, "    data:", *channel] if channel else [*lines, "    data: {}"]

    def _take(self, role: str, is_fit: Callable[[list[str]], bool]) -> str | None:
        found = find(self._sample, role, is_fit, but=self._used)
        if found is not None:
            self._used.add(found)
        return found

    def _channel(self) -> list[str]:
        channel = find(self._sample, "channel", is_few, but=self._used)
        return [f"      channel: {template(channel)}"] if channel else []

    def _when(self, status: str | None, never: re.Pattern[str]) -> list[str]:
        if status is None:
            return []
        seen = self._kinds(status)
        left_out = [value for value in seen if never.search(value)]
        kept = ", ".join(quoted(value) for value in seen if value not in left_out)
        told = f"left out: {', '.join(left_out)}" if left_out else "all that were seen: keep those that count"
        return [f"    when: {{{quoted(status)}: [{kept}]}} # {' '.join(told.split())}"] if kept else []

    def _purchase_type(self, status: str | None) -> list[str]:
        """A purchase; where a status tells of refunds, by a table of it."""
        seen = self._kinds(status) if status else []
        refunds = [value for value in seen if _REFUND.search(value)]
        if status is None or not refunds:
            return ["  - type: purchase # negative amounts become returns", *self._when(status, _NO_ORDER)]
        bought = [value for value in seen if value not in refunds and not _NO_ORDER.search(value)]
        pairs = [
            *(f"{quoted(value)}: return" for value in refunds),
            *(f"{quoted(value)}: purchase" for value in bought),
        ]
        return [f"  - type: {{column: {quoted(status)}, values: {{{', '.join(pairs)}}}}} # others are left out"]

    def _kinds(self, name: str) -> list[str]:
        return [value for value, _ in Counter(self._sample.filled(name)).most_common(20)]

    def _lines_of(self, order: str | None, amount: str | None) -> tuple[bool, bool]:
        """Whether lines that follow each other are one order with one amount; or of one order, each with its own."""
        if order is None or amount is None:
            return False, False
        rows = list(zip(self._sample.columns[order], self._sample.columns[amount], strict=True))
        pairs = [(one, other) for one, other in pairwise(rows) if one[0] == other[0] and one[0].strip()]
        is_told_once = all(other[1].strip() in {"", one[1].strip()} for one, other in pairs)
        return bool(pairs) and is_told_once, bool(pairs) and not is_told_once

    def _currency(self, currency: str | None, amount: str | None) -> str:
        if currency is None:
            values = " ".join(self._sample.filled(amount)[:50]) if amount else ""
            return next((code for sign, code in _SIGNS.items() if sign in values), "EUR # yours")
        if all(map(str.isupper, self._sample.filled(currency))):
            return template(currency)
        return f"{{column: {quoted(currency)}, upper: true}}"

    def _table(self, name: str, words: tuple[tuple[str, str], ...], otherwise: str) -> str:
        pairs = []
        for value in self._kinds(name):
            meant = next((meaning for word, meaning in words if re.search(word, value, re.IGNORECASE)), None)
            if meant is not None:
                pairs.append(f"{quoted(value)}: {meant}")
        default = "" if otherwise == "leave out" else f", default: {otherwise}"
        return f"{{column: {quoted(name)}, values: {{{', '.join(pairs)}}}, else: {otherwise}{default}}}"
