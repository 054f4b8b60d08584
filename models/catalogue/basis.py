"""What a catalogue says beside its signals: feeds, money, lifecycle, engagement, constants, the model's question."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from models.calendar import Calendar
from models.catalogue.constants import HORIZON, read_constants
from models.catalogue.currencies import CURRENCIES, minor_units
from models.catalogue.outage import read_silence
from models.catalogue.overlay import is_off
from models.catalogue.reader import Reader, shown
from models.catalogue.suggestion import did_you_mean
from models.config import TARGETS, Base, Basis, Engagement, Learning, Lifecycle
from models.customers.buckets import EMAIL_ACTIONS
from models.labels import Question
from schemas.event import FEEDS, PURCHASE

MOST_DAYS: Final = 36_500
"""A hundred years: days are counted in 32 bits, and deadlines must be dates."""
LEAST_RATE, MOST_RATE = 1e-9, 1e9
"""No two currencies lie further apart."""
MOST_POINTS: Final = 1_000
MOST_CAP: Final = 255
"""More actions of one kind are not counted in a day."""
MOST_POINTS_A_DAY: Final = 3_276
"""Tenths of a point are kept in 16 bits."""

MODEL_KEYS = {HORIZON, "risk_set_days", "step_days", "anchor", "prior"}


def read_basis(
    reader: Reader, catalogue: Mapping[str, Any], zone: str, disorder_ms: int, lateness_ms: int, erasure_salt: str
) -> Basis:
    """The basis of a catalogue; of what is wrong the reader tells, and a default stands in its place."""
    feeds = _feeds(reader, catalogue)
    currency, rates = _money(reader, catalogue, has_purchases=PURCHASE in feeds)
    targets = reader.mapping((), catalogue, "targets")
    reader.unknown_keys(("targets",), targets, TARGETS)
    learning = _learning(reader, catalogue)
    constants, running = read_constants(reader, reader.mapping((), catalogue, "constants"))
    return Basis(
        calendar=Calendar(zone),
        feeds=feeds,
        lifecycle=_lifecycle(reader, reader.mapping((), catalogue, "lifecycle")),
        engagement=_engagement(reader, reader.mapping((), catalogue, "engagement")),
        currency=currency,
        minor_units=minor_units(currency),
        rates=rates,
        targets={t: reader.number(("targets",), targets, t, default=None, least=0, most=1) for t in targets},
        constants=constants | {HORIZON: float((learning or Learning()).question.horizon_days)},
        running=running,
        disorder_ms=disorder_ms,
        lateness_ms=lateness_ms,
        erasure_salt=erasure_salt,
        learning=learning,
        silence=read_silence(reader, catalogue),
        base=_base(reader, reader.mapping((), catalogue, "value")),
    )


def _feeds(reader: Reader, catalogue: Mapping[str, Any]) -> tuple[int, ...]:
    """The declared feeds as numbers, ascending."""
    path, given = ("feeds",), catalogue.get("feeds", list(FEEDS))
    if not isinstance(given, list) or not given:
        reader.wrong(path, f"must list at least one of {', '.join(FEEDS)}, not {shown(given)}")
        return tuple(range(len(FEEDS)))
    for place, feed in enumerate(given):
        if feed not in FEEDS:
            question = did_you_mean(str(feed), FEEDS)
            reader.wrong(path, f"{shown(feed)} is no feed. {question}Known are {', '.join(FEEDS)}")
        elif feed in given[:place]:
            reader.wrong(path, f"{feed} is named twice")
    return tuple(number for number, feed in enumerate(FEEDS) if feed in given)


def _engagement(reader: Reader, source: Mapping[str, Any]) -> Engagement:
    path = ("engagement",)
    reader.unknown_keys(path, source, {"purchase", "login", "complaint", "ticket", *EMAIL_ACTIONS})
    tenths, caps = {}, {}
    for action in source:
        at, body = (*path, str(action)), reader.mapping(path, source, action)
        reader.unknown_keys(at, body, {"points", "cap"})
        points = reader.number(at, body, "points", default=None, least=-MOST_POINTS, most=MOST_POINTS)
        tenths[action] = round(10 * points)
        if abs(10 * points - tenths[action]) > 1e-6:
            reader.wrong((*at, "points"), f"has steps of 0.1, not {points!r}")
        caps[action] = reader.whole(at, body, "cap", default=1, least=1, most=MOST_CAP)
    most = sum(abs(tenths[action]) * caps[action] for action in tenths) / 10
    if most > MOST_POINTS_A_DAY:
        reader.wrong(path, f"a day may count {MOST_POINTS_A_DAY:,} points at most, points times cap: here {most:,.1f}")
    return Engagement(tenths=tenths, caps=caps)


def _money(reader: Reader, catalogue: Mapping[str, Any], *, has_purchases: bool) -> tuple[str, dict[str, float]]:
    """The currency everything is told in, and what one unit of each currency is worth in it."""
    given = reader.mapping((), catalogue, "rates")
    currency = reader.text((), {"currency": "USD", **catalogue}, "currency")
    _check_currency(reader, ("currency",), currency)
    rates = {}
    for code in given:
        _check_currency(reader, ("rates", str(code)), str(code))
        rates[str(code)] = reader.number(("rates",), given, code, default=None, least=LEAST_RATE, most=MOST_RATE)
    if currency in CURRENCIES and currency not in given and (has_purchases or given):
        at = ("rates",) if given else ("currency",)
        reader.wrong(
            at, f"there is no rate for {currency}, the currency of this catalogue: write rates: {{{currency}: 1.0}}"
        )
    elif rates.get(currency, 1) != 1:
        reader.wrong(("rates", currency), f"must be 1, it is the currency of this catalogue, not {given[currency]!r}")
    return currency, rates


def _check_currency(reader: Reader, path: tuple[str, ...], code: str) -> None:
    if code and code not in CURRENCIES:
        question = f" Did you mean {code.upper()}?" if code.upper() in CURRENCIES else ""
        reader.wrong(path, f"{shown(code)} is no currency of ISO 4217, such as EUR.{question}")


def _base(reader: Reader, source: Mapping[str, Any]) -> Base:
    path, default, least = ("value",), Base(), {"purchases_a_year": 0.0, "basket": 0.0, "worth_days": 1.0}
    reader.unknown_keys(path, source, {*least})
    given = {
        name: float(reader.number(path, source, name, default=getattr(default, name), least=limit))
        for name, limit in least.items()
    }
    return Base(**given)


def _learning(reader: Reader, catalogue: Mapping[str, Any]) -> Learning | None:
    """What the model is asked; None without the section, or with `model: off`."""
    if is_off(catalogue.get("model")):
        return None
    path, source = ("model",), reader.mapping((), catalogue, "model")
    default = Learning()
    horizon = reader.whole(path, source, HORIZON, default=default.question.horizon_days, least=1)
    risk_set = reader.whole(path, source, "risk_set_days", default=default.question.risk_set_days, least=1)
    try:
        question = Question(horizon, risk_set)
    except ValueError as error:
        reader.wrong(path, str(error))
        question = default.question
    prior = reader.number(path, source, "prior", default=default.prior, least=0)
    if not 0 < prior < 1:
        reader.wrong((*path, "prior"), f"must lie between 0 and 1, not {prior!r}")
    anchor = None if source.get("anchor") is None else _day(reader, path, source)
    reader.unknown_keys(path, source, MODEL_KEYS)
    return Learning(
        question=question,
        step_days=reader.whole(path, source, "step_days", default=default.step_days, least=1, most=366),
        anchor=anchor,
        prior=prior,
    )


def _day(reader: Reader, path: tuple[str, ...], source: Mapping[str, Any]) -> int | None:
    """The anchor as a day number."""
    text = str(source["anchor"])
    try:
        written = date.fromisoformat(text).isoformat()
    except ValueError:
        written = ""
    if written != text or not "1970" <= text < "2100":
        reader.wrong((*path, "anchor"), f"must be a date such as 2026-01-05, not {shown(source['anchor'])}")
        return None
    return Calendar.day_of_text(text)


def _lifecycle(reader: Reader, source: Mapping[str, Any]) -> Lifecycle:
    default = Lifecycle()
    names = ("dormant_days", "churned_days", "new_days", "reactivated_days", "active_days")
    path = ("lifecycle",)
    days = {n: reader.whole(path, source, n, default=getattr(default, n), least=1, most=MOST_DAYS) for n in names}
    if days["churned_days"] < days["dormant_days"]:
        reader.wrong((*path, "churned_days"), "must not be below dormant_days")
    silence = reader.choice(path, {"silence": "purchase", **source}, "silence", ("purchase", "activity"))
    factor = reader.number(path, source, "gap_factor", default=default.gap_factor, least=0, most=MOST_DAYS)
    reader.unknown_keys(path, source, {*names, "silence", "gap_factor"})
    return Lifecycle(**days, gap_factor=factor, silence=silence)
