"""Records made for trouble, as many as one wants: valid ones at every limit, and damaged ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple, get_args

from schemas.event import FEEDS, MAX_AMOUNT, MAX_ITEMS, EmailAction, Severity, TicketAction, TicketCategory
from schemas.event_time import FIRST_MS
from schemas.instant import to_rfc3339
from support.builders import DAY_MS, HOUR_MS
from support.corpus import good_cases, poison
from support.odd_values import ODD

START_MS: Final = 1_767_225_600_000
SPAN_MS: Final = 150 * DAY_MS
"""Event time between the first record and the last."""

BITS: Final = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\ud800", b"\0", b"\xff", b"\xc3", b"1e999", b"NaN", b"null",
    b"9" * 30, b"-", b" ", b"\n", b"\\u0000", b"2.0",
)  # fmt: skip
TEXTS: Final = ("a", "web", "é" * 1024, "\0", "[now]", "\U0001f600" * 1024, "x" * 1024)


class Made(NamedTuple):
    """A record of a feed's topic; `at_ms` is the clock when it arrives."""

    feed: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    at_ms: int


class Fuzzer:
    """An endless row of records; the same seed, the same row."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._good = [(case.feed, case.key, case.value, case.headers) for case in good_cases()]

    def records(self, count: int) -> Iterator[Made]:
        """So many records, the clock a step on with each."""
        for number in range(count):
            yield self._record(number, START_MS + number * SPAN_MS // count)

    def _record(self, number: int, at_ms: int) -> Made:
        dice, feed = self._dice, number % len(FEEDS)
        customer = f"c{min(dice.randrange(400), dice.randrange(400))}"
        pick = dice.random()
        if pick < 0.05:
            bad = poison(feed, customer, number)
            return Made(feed, bad.key, bad.value, bad.headers, at_ms)
        if pick < 0.1:
            return Made(*self._damaged(*dice.choice(self._good)), at_ms)
        record = self._event(feed, customer, number, at_ms)
        if pick < 0.35:
            self._alter(record)
        value = json.dumps(record, ensure_ascii=dice.random() < 0.5).encode(errors="replace")
        if 0.35 <= pick < 0.5:
            return Made(*self._damaged(feed, customer.encode(), value, []), at_ms)
        return Made(feed, customer.encode(), value, [], at_ms)

    def _event(self, feed: int, customer: str, number: int, at_ms: int) -> dict[str, Any]:
        """A valid event, mostly of now, with values at the limits of its fields."""
        dice = self._dice
        behind_ms = dice.choice((0,) * 20 + (HOUR_MS // 2, 5 * HOUR_MS, 3 * DAY_MS, 9 * DAY_MS, at_ms - FIRST_MS))
        record: dict[str, Any] = {
            "type": FEEDS[feed],
            "customer_id": customer,
            "event_time": to_rfc3339(at_ms - behind_ms),
            "schema_version": dice.choice((1, 1, 1, 1.0)),
            "source": dice.choice(TEXTS),
            "data": self._data(feed),
        }
        if dice.random() < 0.9:
            record["id"] = dice.choice((f"e{number}", f"e{number}", f"e{max(0, number - 400)}", f"\0{number}"))
        return record

    def _data(self, feed: int) -> dict[str, Any]:
        dice = self._dice
        channel = {"channel": dice.choice((*TEXTS, None, f"web{dice.randrange(10**6)}"))} if dice.random() < 0.5 else {}
        if feed == 0:
            amount = dice.choice((0, -0.0, 5e-324, 0.01, 19.99, 9e10, MAX_AMOUNT))
            items = dice.choice((1, 1.0, 127, 128, 255, 256, 65_536, MAX_ITEMS))
            currency = dice.choice(("USD", "EUR", "XXX"))
            return {"order_id": dice.choice(TEXTS), "amount": amount, "currency": currency, "items": items} | channel
        if feed == 1:
            return channel
        if feed == 2:
            severity = dice.choice((None, *get_args(Severity)))
            action, category = dice.choice(get_args(TicketAction)), dice.choice(get_args(TicketCategory))
            return {
                "ticket_id": dice.choice(TEXTS),
                "action": action,
                "category": category,
                "severity": severity,
            } | channel
        return {"action": dice.choice(get_args(EmailAction)), "machine_open": dice.random() < 0.3, "campaign_id": None}

    def _alter(self, record: dict[str, Any]) -> None:
        """Give some fields other values, or none."""
        dice = self._dice
        for _ in range(dice.choice((1, 1, 2))):
            inner = record.get("data")
            holder = inner if isinstance(inner, dict) and inner and dice.random() < 0.5 else record
            name = dice.choice((*holder, "specversion", "note"))
            if dice.random() < 0.8:
                holder[name] = deepcopy(dice.choice(ODD))
            else:
                holder.pop(name, None)

    def _damaged(
        self, feed: int, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> tuple[int, bytes | None, bytes, list[tuple[str, bytes]]]:
        """A record with some bytes changed, cut, doubled or moved to another feed, and its headers too."""
        dice = self._dice
        for _ in range(dice.choice((1, 1, 2, 5))):
            at, length = dice.randrange(len(value) + 1), dice.choice((0, 1, 1, 4, 40))
            instead = dice.choice((b"", dice.choice(BITS), value[at : at + length] * 2, dice.randbytes(2)))
            value = value[:at] + instead + value[at + length :]
        if headers and dice.random() < 0.5:
            place = dice.randrange(len(headers))
            headers = [*headers[:place], (headers[place][0], dice.choice(BITS)), *headers[place + dice.randrange(2) :]]
        if dice.random() < 0.1:
            feed, key = dice.randrange(len(FEEDS)), dice.choice((key, None, b"", b"\xff", b"c1"))
        return feed, key, value, headers
