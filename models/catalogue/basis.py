"""What a catalogue says beside its signals: feeds, money, lifecycle, engagement, constants, the model's question."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from models.calendar import Calendar
from models.catalogue.language import is_taken
from models.catalogue.reader import Reader, as_mapping
from models.config import TARGETS, Base, Basis, Engagement, Learning, Lifecycle, Number
from models.customers.buckets import EMAIL_ACTIONS
from models.labels import Question
from schemas.event import FEEDS

HORIZON = "horizon_days"
"""A constant that every catalogue has: sentences about the model's risk say for how long it is."""

MODEL_KEYS = {HORIZON, "risk_set_days", "step_days", "anchor", "prior"}


def read_basis(reader: Reader, catalogue: Mapping[str, Any], zone: str, disorder_ms: int, lateness_ms: int) -> Basis:
    """The basis of a catalogue; of what is wrong the reader tells, and a default stands in its place."""
    feeds = catalogue.get("feeds", list(FEEDS))
    if not isinstance(feeds, list) or not feeds or any(feed not in FEEDS for feed in feeds):
        reader.wrong(("feeds",), f"must list at least one of {', '.join(FEEDS)}, not {feeds!r}")
        feeds = list(FEEDS)
    points = reader.mapping((), catalogue, "engagement")
    tenths, caps = {}, {}
    reader.unknown_keys(("engagement",), points, {"purchase", "login", "complaint", "ticket", *EMAIL_ACTIONS})
    for action, body in points.items():
        path = ("engagement", str(action))
        reader.unknown_keys(path, as_mapping(body), {"points", "cap"})
        tenths[action] = round(10 * reader.number(path, as_mapping(body), "points", default=None, least=-1000))
        caps[action] = reader.whole(path, as_mapping(body), "cap", default=1, least=1)
    rates = reader.mapping((), catalogue, "rates")
    targets = reader.mapping((), catalogue, "targets")
    reader.unknown_keys(("targets",), targets, set(TARGETS))
    learning = _learning(reader, catalogue)
    return Basis(
        calendar=Calendar(zone),
        feeds=tuple(sorted({FEEDS.index(feed) for feed in feeds})),
        lifecycle=_lifecycle(reader, reader.mapping((), catalogue, "lifecycle")),
        engagement=Engagement(tenths=tenths, caps=caps),
        currency=str(catalogue.get("currency", "USD")),
        rates={str(c): reader.number(("rates",), rates, c, default=None, least=0) for c in rates},
        targets={str(t): reader.number(("targets",), targets, t, default=None, least=0) for t in targets},
        constants=_constants(reader, reader.mapping((), catalogue, "constants"))
        | {HORIZON: float((learning or Learning()).question.horizon_days)},
        disorder_ms=disorder_ms,
        lateness_ms=lateness_ms,
        learning=learning,
        base=_base(reader, reader.mapping((), catalogue, "value")),
    )


def _constants(reader: Reader, source: Mapping[str, Any]) -> dict[str, Number]:
    for name in source:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)) or is_taken(str(name)) or name == HORIZON:
            reader.wrong(
                ("constants", str(name)), "must be lower-case letters, digits and _, and no word of the language"
            )
    return {str(name): reader.number(("constants",), source, name, default=None, least=-1e12) for name in source}


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
    if not catalogue.get("model"):
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
    anchor = source.get("anchor")
    if anchor is not None and not isinstance(anchor, date):
        reader.wrong((*path, "anchor"), f"must be a date such as 2026-01-05, not {anchor!r}")
        anchor = None
    reader.unknown_keys(path, source, MODEL_KEYS)
    return Learning(
        question=question,
        step_days=reader.whole(path, source, "step_days", default=default.step_days, least=1),
        anchor=None if anchor is None else Calendar.day_of_text(anchor.isoformat()),
        prior=prior,
    )


def _lifecycle(reader: Reader, source: Mapping[str, Any]) -> Lifecycle:
    default = Lifecycle()
    names = ("dormant_days", "churned_days", "new_days", "reactivated_days", "active_days")
    path = ("lifecycle",)
    days = {n: reader.whole(path, source, n, default=getattr(default, n), least=1) for n in names}
    if days["churned_days"] < days["dormant_days"]:
        reader.wrong((*path, "churned_days"), "must not be below dormant_days")
    silence = reader.choice(path, {"silence": "purchase", **source}, "silence", ("purchase", "activity"))
    factor = reader.number(path, source, "gap_factor", default=default.gap_factor, least=0)
    reader.unknown_keys(path, source, {*names, "silence", "gap_factor"})
    return Lifecycle(**days, gap_factor=factor, silence=silence)
