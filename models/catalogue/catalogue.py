"""The catalogue: a parsed YAML mapping becomes rules, or a list of mistakes that says where and why."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from models.calendar import DAY_MS
from models.catalogue.absence import absent_feeds
from models.catalogue.attention import MOST_HELD_OUT, read_contact_days, read_experiment, read_owners
from models.catalogue.basis import MOST_DAYS, read_basis
from models.catalogue.hit_rates import read_hit_rates
from models.catalogue.language import CompiledCondition, CompiledTerm, Constants, compile_condition, compile_term
from models.catalogue.outage import FEED_OUTAGE, read_outage_alert
from models.catalogue.reader import CatalogueError, Mistake, Reader, as_mapping, shown
from models.catalogue.rules import DAYS_OPEN, DriverTerms, EndsAs, Polarity, Rules, ScoreRule, Signal
from models.catalogue.template import Template
from models.config import HOUR_MS, KEEP_DAYS, Basis
from schemas.erasure import DEFAULT_SALT
from schemas.event import FEEDS

FEEDS_WITH_EVIDENCE = frozenset((FEEDS.index("ticket"), FEEDS.index("email")))
"""Feeds whose days keep notes: only their signals can be announced at once."""

IF_NO_CONTACT = "Do not write to or call the customer: look for the cause, and mend what can be mended without."
"""The intervention for who must not be contacted, of a signal that names none."""
VERSION = 1
"""Of the catalogue's form."""


def build_rules(
    catalogue: Mapping[str, Any],
    *,
    zone: str = "UTC",
    disorder_ms: int = HOUR_MS,
    lateness_ms: int = 7 * DAY_MS,
    erasure_salt: str = DEFAULT_SALT,
    found: Sequence[Mistake] = (),
) -> Rules:
    """Check and compile a whole catalogue; raises CatalogueError with every mistake, those found before among them."""
    reader = Reader(found)
    basis = read_basis(reader, catalogue, zone, disorder_ms, lateness_ms, erasure_salt)
    defaults = reader.mapping((), catalogue, "defaults")
    reader.unknown_keys(("defaults",), defaults, _SIGNAL_KEYS)
    shared = {key: value for key, value in defaults.items() if key in _SIGNAL_KEYS}
    signals = reader.mapping((), catalogue, "signals")
    share, salt = read_experiment(reader, catalogue)
    built = [
        _signal(reader, str(name), shared | {**reader.mapping(("signals",), signals, name)}, basis, share)
        for name in signals
    ]
    escalates_to, teams = read_owners(reader, reader.mapping((), catalogue, "owners"))
    contact_days, hit_rates = read_contact_days(reader, catalogue), read_hit_rates(reader, catalogue)
    outage = read_outage_alert(reader, catalogue)
    reader.unknown_keys((), catalogue, _TOP_KEYS)
    reader.choice((), {"version": VERSION, **catalogue}, "version", (VERSION,))
    if reader.mistakes:
        raise CatalogueError(reader.mistakes)
    text = json.dumps(catalogue, sort_keys=True, default=str)
    own = tuple(signal for signal in built if signal is not None)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Rules(basis, own, name, escalates_to, salt, contact_days, teams, hit_rates, outage, text)


def rules_again(text: str, beside: Rules) -> Rules:
    """The rules of a catalogue that was kept as `Rules.text`, in the deployment of other rules.

    Raises CatalogueError where this program knows what it says no more.
    """
    basis = beside.basis
    return build_rules(
        json.loads(text),
        zone=basis.calendar.zone,
        disorder_ms=basis.disorder_ms,
        lateness_ms=basis.lateness_ms,
        erasure_salt=basis.erasure_salt,
    )


_TOP_KEYS = {
    "version", "currency", "rates", "targets", "feeds", "lifecycle", "engagement", "constants", "model", "defaults",
    "signals", "base", "value", "owners", "experiment", "attention", "hit_rates", "outage",
}  # fmt: skip
_SIGNAL_KEYS = {
    "announced", "when", "ends", "expires_days", "persistence", "cooldown_days", "polarity", "severity", "owner",
    "respond_hours", "intervention", "playbook", "priority", "inhibited_by_outage", "score", "values", "summary",
    "clears_when", "later", "ended", "drivers", "cause", "ends_as",
    "contacts_customer", "if_no_contact", "holdout",
}  # fmt: skip


def _holdout(reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], share: float, *, is_tried: bool) -> float:
    """The share of a signal's customers who are held out; none where nobody may be left without an answer."""
    own = float(reader.number(path, body, "holdout", default=share, least=0, most=MOST_HELD_OUT))
    if "holdout" in body and own > 0 and not is_tried:
        reader.wrong(
            (*path, "holdout"), "must be 0 unless the signal is negative, contacts the customer and is not `announced`"
        )
    return own if is_tried else 0.0


def _signal(reader: Reader, name: str, body: Mapping[str, Any], basis: Basis, share: float) -> Signal | None:
    path = ("signals", name)
    before = len(reader.mistakes)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or name == FEED_OUTAGE:
        reader.wrong(path, f"a signal's id is lower-case letters, digits and _, at most 64, and not {FEED_OUTAGE}")
    reader.unknown_keys(path, body, _SIGNAL_KEYS)
    constants = basis.named
    when = reader.compiled((*path, "when"), compile_condition, reader.text(path, body, "when"), constants)
    ends = reader.compiled((*path, "ends"), compile_condition, reader.text(path, body, "ends"), constants)
    score = _score(reader, path, reader.mapping(path, body, "score"), constants)
    values = _values(reader, path, reader.mapping(path, body, "values"), constants)
    read = [when, ends, *([] if score is None else [score.term, score.threshold]), *values.values()]
    feed = _announced_feed(reader, path, body, read)
    built = _life(reader, path, body, is_announced=feed is not None) | _telling(reader, path, body, values)
    is_tried = feed is None and built["polarity"] == "negative" and built["contacts_customer"]
    built["holdout"] = _holdout(reader, path, body, share, is_tried=is_tried)
    if when is None or ends is None or score is None or len(reader.mistakes) > before:
        return None
    return Signal(
        id=name,
        when=when,
        ends=ends,
        announced_feed=feed,
        score=score,
        values=values,
        cause=_cause(reader, path, body, when),
        silent_feeds=absent_feeds(when.condition, basis),
        **built,
    )


def _life(reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], *, is_announced: bool) -> dict[str, Any]:
    """How alerts of a signal begin, rest and end, besides its conditions."""
    persistence = reader.whole(path, body, "persistence", default=1, least=1, most=KEEP_DAYS)
    if is_announced and persistence != 1:
        reader.wrong((*path, "persistence"), "must be 1 for a signal that is announced at once")
    expires_days = None
    if body.get("expires_days") is not None:
        expires_days = reader.whole(path, body, "expires_days", default=None, least=1, most=MOST_DAYS)
    return {
        "persistence": persistence,
        "cooldown_days": reader.whole(path, body, "cooldown_days", default=7, least=0, most=MOST_DAYS),
        "expires_days": expires_days,
        "ends_as": reader.choice(path, body, "ends_as", get_args(EndsAs)) if "ends_as" in body else None,
        "inhibited_by_outage": reader.flag(path, body, "inhibited_by_outage", default=True),
    }


def _telling(
    reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], values: dict[str, CompiledTerm]
) -> dict[str, Any]:
    """What alerts of a signal say, to whom, and how soon to act on it."""
    respond = body.get("respond_hours")
    polarity = reader.choice(path, body, "polarity", get_args(Polarity))
    if polarity == "negative" and respond is None:
        reader.wrong((*path, "respond_hours"), "is required: no negative signal without a response time")
    texts = {key: reader.text(path, body, key) for key in ("owner", "intervention", "summary", "clears_when")}
    return {
        **_templates(reader, path, body, texts, values),
        "polarity": polarity,
        "owner": texts["owner"],
        "intervention": texts["intervention"],
        "contacts_customer": reader.flag(path, body, "contacts_customer", default=True),
        "if_no_contact": reader.text(path, body, "if_no_contact") if "if_no_contact" in body else IF_NO_CONTACT,
        "playbook_url": reader.address(path, body, "playbook", path[-1]),
        "severity": reader.choice(path, body, "severity", ("info", "warning", "error")),
        "respond_ms": None
        if respond is None
        else int(reader.number(path, body, "respond_hours", default=None, least=0, most=24 * MOST_DAYS) * HOUR_MS),
        "priority": reader.whole(path, body, "priority", default=50, least=0, most=1_000_000),
        "drivers": _drivers(reader, path, body.get("drivers", []), values),
    }


def _cause(reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], when: CompiledCondition) -> str:
    """What kind of trouble a signal sees: as the catalogue says, else by what its condition reads."""
    if "cause" in body:
        cause = reader.text(path, body, "cause")
        if cause and not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", cause):
            reader.wrong((*path, "cause"), "a cause is lower-case letters, digits and _, at most 64")
        return cause
    if body.get("polarity") == "positive":
        return "good_news"
    if FEEDS.index("ticket") in when.feeds:
        return "service"
    return "email" if when.feeds == {FEEDS.index("email")} else "silence"


def _score(reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], constants: Constants) -> ScoreRule | None:
    at = (*path, "score")
    term = reader.compiled((*at, "is"), compile_term, body.get("is", ""), constants)
    threshold = reader.compiled((*at, "threshold"), compile_term, body.get("threshold", ""), constants)
    worse = reader.choice(at, {"worse": "higher", **body}, "worse", ("higher", "lower"))
    margin = reader.number(at, body, "margin", default=None, least=0)
    reader.unknown_keys(at, body, {"is", "threshold", "worse", "margin"})
    return None if term is None or threshold is None else ScoreRule(term, threshold, worse, margin)


def _values(
    reader: Reader, path: tuple[str, ...], body: Mapping[str, Any], constants: Constants
) -> dict[str, CompiledTerm]:
    for name in body:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", str(name)):
            reader.wrong((*path, "values", str(name)), "must be letters, digits and _: texts name it")
    compiled = {
        key: reader.compiled((*path, "values", str(key)), compile_term, text, constants) for key, text in body.items()
    }
    return {key: term for key, term in compiled.items() if term is not None}


def _drivers(
    reader: Reader, path: tuple[str, ...], body: Any, values: Mapping[str, CompiledTerm]
) -> tuple[DriverTerms, ...]:
    at = (*path, "drivers")
    if not isinstance(body, list) or not 1 <= len(body) <= 5:
        reader.wrong(at, "must list one to five drivers")
        return ()
    built = []
    for entry in map(as_mapping, body):
        reader.unknown_keys(at, entry, {"text", "value", "usual"})
        for key in ("value", "usual"):
            if entry.get(key) is not None and str(entry[key]) not in values:
                reader.wrong(at, f"{shown(entry[key])} is not among this signal's values ({', '.join(values)})")
        built.append(DriverTerms(reader.text(at, entry, "text"), reader.text(at, entry, "value"), entry.get("usual")))
    return tuple(built)


def _announced_feed(
    reader: Reader,
    path: tuple[str, ...],
    body: Mapping[str, Any],
    parts: Sequence[CompiledCondition | CompiledTerm | None],
) -> int | None:
    """The one feed an announced signal reads, None for signals decided by reviews only."""
    if not reader.flag(path, body, "announced", default=False):
        return None
    running = sorted({name for part in parts if part is not None for name in part.running})
    if running:
        why = "has no value on a day that is still open: write a number there"
        reader.wrong((*path, "announced"), f"the running constant {running[0]} {why}")
    feeds = frozenset(feed for part in parts if part is not None for feed in part.feeds)
    if len(feeds) != 1 or not feeds <= FEEDS_WITH_EVIDENCE:
        reader.wrong(
            (*path, "announced"),
            "only a signal whose conditions, score and values read the ticket feed alone, or the email feed alone, "
            "can be announced at once",
        )
        return None
    return next(iter(feeds))


def _templates(
    reader: Reader,
    path: tuple[str, ...],
    body: Mapping[str, Any],
    texts: Mapping[str, str],
    values: Mapping[str, CompiledTerm],
) -> dict[str, Template]:
    """What is told when it begins, while it is open though no longer true, and when it ended; two have defaults."""
    clears_when = texts["clears_when"]
    written = {
        "summary": texts["summary"],
        "clears_when": clears_when,
        "later": f"Still open after {{{DAYS_OPEN}|day|days}}; it ends with {clears_when}.",
        "ended": f"Over after {{{DAYS_OPEN}|day|days}}: {clears_when}.",
    } | {key: reader.text(path, body, key) for key in ("later", "ended") if body.get(key) is not None}
    templates = {key: Template(text) for key, text in written.items()}
    known = [*values, DAYS_OPEN]
    for key, template in templates.items():
        if key not in body:
            continue
        if template.slip is not None:
            reader.wrong((*path, key), template.slip)
        allowed = known if key in ("later", "ended") else list(values)
        for name in template.names:
            if name not in allowed:
                listed = ", ".join(allowed) or "there are none"
                reader.wrong((*path, key), f"{{{name}}} is not among this signal's values ({listed})")
    if DAYS_OPEN in values:
        reader.wrong((*path, "values", DAYS_OPEN), "is the name of the days since it began, in `later` and `ended`")
    return templates
