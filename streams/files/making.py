"""A record becomes events, all of them or none: the rules of one mapping over the fields of one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.codec import decode_line
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.instant import to_ms, to_rfc3339
from streams.files.cells import MADE_UP, CellReaders, Fill, LeftOutError, columns_of
from streams.files.customers import customer_reader
from streams.files.fields import Fields, Read
from streams.files.json_records import MISSING
from streams.files.mapping import LEAVE_OUT, RETURN, Cell, EventRule, Scalar, TimeRule, listed
from streams.files.mapping import Mapping as TableMapping
from streams.files.times import Moment, time_reader

NOTHING_IN_LISTS: Final = "nothing in the lists of `for_each`"
NO_RULE: Final = "no `when` fits"
NEGATIVE: Final = "negative amount"
_KEPT_OF_RETURN: Final = ("ticket_id", "action", "category", "channel", "severity")

_MOST_TEXT: Final = 1024


class _Rule(NamedTuple):
    """A rule of the mapping, ready to be used."""

    fits: tuple[Callable[[Any], bool], ...]
    type: Fill
    data: tuple[tuple[str, Fill], ...]
    id: Fill | None
    moment: Callable[[Any], Moment]
    invented_hours: tuple[int, int] | None
    zone: ZoneInfo


class Making:
    """Makes events of records; counts for `{nth}`, and the times that a clock change repeats."""

    def __init__(self, mapping: TableMapping, fields: Fields) -> None:
        self._mapping = mapping
        self._cells = CellReaders(mapping, fields)
        self._fields = fields
        self.written_ids: dict[str, str] = {}
        self._customer = customer_reader(mapping, self._cells, self.written_ids)
        self._main = tuple(self._rule(rule) for rule in mapping.events if not rule.also)
        self._also = tuple(self._rule(rule) for rule in mapping.events if rule.also)
        self._asked = self._columns_of_when(fields)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._counts_days = any(
            "nth" in names_of(rule) or (rule.time or mapping.time).invented_hours for rule in mapping.events
        )
        self.repeated_times = 0

    def events(self, row: object) -> list[Event]:
        """The events of a record. Raises LeftOutError, and RejectedError for one that does not keep the contract."""
        if row is MISSING:
            raise LeftOutError(NOTHING_IN_LISTS, "")
        main = next((rule for rule in self._main if all(fit(row) for fit in rule.fits)), None)
        also = [rule for rule in self._also if all(fit(row) for fit in rule.fits)]
        if main is None and not also:
            raise LeftOutError(NO_RULE, self._asked_value(row))
        customer_id = self._customer(row)
        return [self._event(rule, row, customer_id) for rule in ([main] if main else []) + also]

    def _rule(self, rule: EventRule) -> _Rule:
        cells, when = self._cells, rule.time or self._mapping.time
        type_ = rule.type
        if isinstance(type_, Cell) and type_.otherwise is None:
            type_ = msgspec.structs.replace(type_, otherwise=LEAVE_OUT)
        zone = ZoneInfo(when.zone or self._mapping.zone)
        own, currency = rule.data, self._mapping.currency
        data = own if currency is None or "amount" not in own else {"currency": currency} | own
        return _Rule(
            fits=tuple(cells.fits(name, wanted) for name, wanted in rule.when.items()),
            type=cells.fill(type_),
            data=tuple((name, cells.field(name, value, MADE_UP)) for name, value in data.items()),
            id=None if rule.id is None else cells.fill(rule.id, MADE_UP, needs_all=True),
            moment=self._moment(when, zone),
            invented_hours=when.invented_hours,
            zone=zone,
        )

    def _moment(self, when: TimeRule, zone: ZoneInfo) -> Callable[[Any], Moment]:
        read, parse = self._time_text(when), time_reader(when, zone)
        name = when.text or " or ".join(listed(when.column))

        def moment(row: object) -> Moment:
            text = read(row)
            if not text.strip():
                raise RejectedError("missing_field", f"{name} is empty: an event needs a time", name)
            if len(text) > _MOST_TEXT:
                raise RejectedError("bad_time", f"{name}: a text of {len(text):,} characters is no time", name)
            return parse(text)

        return moment

    def _time_text(self, when: TimeRule) -> Read:
        if when.text is None:
            return self._cells.first(listed(when.column))
        fill = self._cells.fill(when.text, needs_all=True)
        return lambda row: str(fill(row, {}))

    def _event(self, rule: _Rule, row: object, customer_id: str) -> Event:
        moment = rule.moment(row)
        self.repeated_times += moment.is_repeated
        day = moment.day.isoformat()
        nth = self._seen[customer_id, day]
        if self._counts_days:
            self._seen[customer_id, day] += 1
        made = {"customer_id": customer_id, "day": day, "nth": str(nth)}
        time_ms = moment.time_ms
        if rule.invented_hours is not None:
            time_ms = _invented(rule.invented_hours, moment.local, rule.zone, (customer_id, day, nth))
        data = {name: value for name, fill in rule.data if (value := fill(row, made)) is not None}
        event_id = None if rule.id is None else rule.id(row, made)
        type_ = str(rule.type(row, made) or "")
        type_, data, event_id = self._returned(type_, data, event_id)
        return _checked(
            {
                **({} if event_id is None else {"id": str(event_id)}),
                "type": type_,
                "customer_id": customer_id,
                "event_time": to_rfc3339(time_ms),
                "schema_version": 1,
                "source": self._mapping.source,
                "data": data,
            }
        )

    def _returned(
        self, type_: str, data: dict[str, Scalar], event_id: Scalar | None
    ) -> tuple[str, dict[str, Scalar], Scalar | None]:
        """A purchase of a negative amount is a return, and a return is a ticket of that category."""
        amount = data.get("amount")
        if type_ == "purchase" and isinstance(amount, int | float) and amount < 0:
            if self._mapping.refunds == LEAVE_OUT:
                raise LeftOutError(NEGATIVE, "")
            if self._mapping.refunds == RETURN:
                type_ = RETURN
                event_id = None if event_id is None else f"{event_id}-return"  # a refund often bears its order's number
        if type_ != RETURN:
            return type_, data, event_id
        ticket = {"ticket_id": data.get("order_id", ""), "action": "opened", "category": "return"} | data
        return "ticket", {name: ticket[name] for name in _KEPT_OF_RETURN if name in ticket}, event_id

    def _columns_of_when(self, fields: Fields) -> tuple[tuple[str, Callable[[Any], list[str]]], ...]:
        names = sorted({name for rule in self._mapping.events for name in rule.when})
        return tuple((name, fields.every(name)) for name in names[:2])

    def _asked_value(self, row: object) -> str:
        """What the columns hold that the rules ask for: why none fits."""
        return ", ".join(f"{name}: {', '.join(read(row))[:60] or 'empty'}" for name, read in self._asked)


def names_of(rule: EventRule) -> set[str]:
    """The names that a rule reads, without those of its time and its `when`."""
    return set().union(*(columns_of(value) for value in (rule.type, rule.id or "", *rule.data.values())))


def _checked(envelope: Mapping[str, Any]) -> Event:
    """The event by the contract's own decoder. Raises RejectedError, with what a mapping can do about it."""
    try:
        return decode_line(msgspec.json.encode(envelope))
    except RejectedError as error:
        remedy = _REMEDIES.get(error.field or "")
        if remedy is None or error.reason in {"too_large", "string_too_long"}:
            raise
        raise RejectedError(error.reason, f"{error.detail}; {remedy}", error.field) from None
    except UnicodeEncodeError:
        raise RejectedError("not_utf8", "half of a character (a lone surrogate)") from None


_REMEDIES: Final = {
    "customer_id": "`hash: true` in `customer_id` makes a legal id of anything",
    "data.amount": "`refunds:` in the mapping says what negative amounts are",
    "data.currency": "three capital letters are wanted: `upper: true`, or `values:`",
    "id": "`hash: true` in `id` makes a short id of any text",
    "type": "purchase, login, ticket, email or return",
}


def _invented(hours: tuple[int, int], local: datetime, zone: ZoneInfo, of: tuple[str, str, int]) -> int:
    begin, end = hours
    customer_id, day, nth = of
    drawn = int.from_bytes(sha256(f"{customer_id}\0{day}\0{nth}".encode()).digest()[:8], "big")
    moment = datetime.combine(local, time()) + timedelta(hours=begin, seconds=drawn % ((end - begin) * 3600))
    return to_ms(moment.replace(tzinfo=zone))
