"""What became of an alert that ends, read from the words of the end condition and what the customer did."""

from typing import Any, Final

from models.catalogue.rules import Signal
from reference.language import is_so, tree_of, words_of
from reference.past import FEED_OF, Past
from schemas.alert import EndReason
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

_MORE: Final = {
    "purchases", "spend", "items", "logins", "clicks", "email_activity", "active_days", "engagement",
    "purchases_total", "spend_total",
}  # fmt: skip
"""Measures that the customer raises by being there."""
_LESS: Final = {"days_since_activity", "days_since_purchase", "days_since_login"}
_OF_ALL: Final = {"active_days", "engagement", "days_since_activity"}
_PRESENT: Final = {"new", "active", "reactivated"}
_AWAY: Final = {"lapsed", "dormant", "churned"}
_WANTED: Final = {">": 1, ">=": 1, "!=": 1, "<": -1, "<=": -1, "==": -1}
_UNCLEAR: Final = {"days_since_first_ticket", "slope_z", "slope_change", "stage", "risk", "risk_rank", "risk_usual"}
"""What may do either: what a risk or a trend is made of, and tickets."""


def reason_of(signal: Signal, past: Past, start: int, *, is_over: bool) -> EndReason:
    """`is_over`: the end condition holds; else its time is up."""
    stage = past.standing[0]
    if signal.has_left:
        return "signal_retired"
    if stage == "churned":
        return "lost"
    if not is_over or signal.ends_as is not None:
        return (signal.ends_as if is_over else None) or "expired"
    return _by_condition(signal, past, start)


def _by_condition(signal: Signal, past: Past, start: int) -> EndReason:
    """What the words of the end condition say, which holds; the customer has not churned."""
    text, is_good = signal.ends.text, signal.polarity == "positive"
    if _is_back(text, past, start):
        return "over" if is_good else "came_back"
    if past.standing[0] == "dormant" and not _sees_trouble_alone(text):
        return "lost"
    is_given_up = any(is_so(part, past, start) for part in _alternatives(tree_of(text)) if _gives_up(part))
    return "over" if is_good else "expired" if is_given_up else "solved"


def _sees_trouble_alone(text: str) -> bool:
    """Whether it reads of tickets and e-mails, and of nothing else."""
    words = words_of(text)
    is_of_others = words & (_UNCLEAR | _OF_ALL | {"days_since_first", "usual"}) - {"days_since_first_ticket"}
    return not is_of_others and all(FEED_OF[word] in (TICKET, EMAIL) for word in words if word in FEED_OF)


def _is_back(text: str, past: Past, start: int) -> bool:
    """Whether a part that activity makes true holds, and there was such activity since the alert began."""
    parts = [(part, reading) for part in _alternatives(tree_of(text)) if (reading := _waits_for(part))]
    days = [day for _, reading in parts for word in reading for day in _active_days(word, past)]
    return any(day >= start for day in days) and any(is_so(part, past, start) for part, _ in parts)


def _alternatives(tree: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    if tree[0] == "or":
        return _alternatives(tree[1]) + _alternatives(tree[2])
    return [tree]


def _waits_for(tree: tuple[Any, ...]) -> set[str]:
    """The measures in which the customer must do something to make it true; none where other things make it so."""
    if tree[0] in ("and", "or"):
        return _waits_for(tree[1]) | _waits_for(tree[2])
    if tree[0] not in _WANTED:
        return set()
    names = {part[1] for part in tree[1:] if part[0] == "name"}
    if "stage" in names:
        wanted = _PRESENT if tree[0] == "==" else _AWAY
        return {"stage"} if names & wanted and len(names) == 2 else set()
    found = _both(_pull(tree[1]), _opposite(_pull(tree[2])))
    return _measures(tree[1]) | _measures(tree[2]) if found == _WANTED[tree[0]] else set()


def _gives_up(tree: tuple[Any, ...]) -> bool:
    """Whether more days of silence make it true."""
    if tree[0] in ("and", "or"):
        return _gives_up(tree[1]) or _gives_up(tree[2])
    if tree[0] not in _WANTED or not (_measures(tree[1]) | _measures(tree[2])) & _LESS:
        return False
    pull = _both(_pull(tree[1]), _opposite(_pull(tree[2])))
    return pull is not None and pull == -_WANTED[tree[0]]


def _pull(tree: tuple[Any, ...]) -> int | None:
    """1 where a term rises with what the customer does, -1 where it falls, 0 where it stays, None for any of these."""
    match tree:
        case ("number", _):
            return 0
        case ("name", word):
            return 1 if word in _MORE else -1 if word in _LESS else None if word in _UNCLEAR else 0
        case ("window", "usual", _) | ("window", _, [_, "before", _]):
            return 0
        case ("window", word, _):
            return 1 if word in _MORE else None
    one, other = _pull(tree[1]), _pull(tree[2])
    both = _both(one, _opposite(other) if tree[0] in "-/" else other)
    is_turned = tree[0] in "*/" and any(part[0] == "number" and part[1] < 0 for part in tree[1:])
    return _opposite(both) if is_turned else both


def _both(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None or one * other < 0 else one or other


def _opposite(pull: int | None) -> int | None:
    return None if pull is None else -pull


def _measures(tree: tuple[Any, ...]) -> set[str]:
    match tree:
        case ("number", _):
            return set()
        case ("window", "usual", [word, *_]) | ("window" | "name", word, *_):
            return {word}
    return _measures(tree[1]) | _measures(tree[2])


def _active_days(word: str, past: Past) -> list[int]:
    """Days on which the customer did something that a measure reads: of trouble and e-mails anything counts."""
    if word == "stage":
        silent = past.standing[1]
        return [] if silent is None else [past.boundary - 1 - silent]
    of = {PURCHASE: "purchases", LOGIN: "logins", TICKET: "active_days", EMAIL: "active_days"}
    own = "active_days" if word in _OF_ALL else of.get(FEED_OF.get(word, -1))
    return [] if own is None else past.days_of(own)
