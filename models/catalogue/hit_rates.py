"""How often alerts of each signal came true on one's own history: kept in a file that a catalogue names.

`churn-signals signals --keep FILE` writes it. A hit is bad news whose customer did not come back within the horizon
though nobody called, or good news whose customer did.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from models.catalogue.overlay import is_off
from models.catalogue.reader import Reader

Return = Literal["purchase", "activity"]
"""What coming back is: that which restarts the clock of silence."""
_KEYS = {"horizon_days", "comes_back_by", "until", "signals"}
_MOST_DAYS = 36_500


class HitRate(NamedTuple):
    """The share of a signal's alerts that came true, and the ends of its 95 % interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class KnownHitRates:
    """Hit rates by signal, of alerts that were followed for `horizon_days`, on a history that ends at `until`."""

    horizon_days: int = 0
    comes_back_by: Return = "purchase"
    until: str = ""
    by_signal: Mapping[str, HitRate] = field(default_factory=dict)


def read_hit_rates(reader: Reader, catalogue: Mapping[str, Any]) -> KnownHitRates:
    """The hit rates of a catalogue, none where it names none. Of signals it does not have they are left alone."""
    if is_off(catalogue.get("hit_rates")):
        return KnownHitRates()
    path, source = ("hit_rates",), reader.mapping((), catalogue, "hit_rates")
    reader.unknown_keys(path, source, _KEYS)
    given = reader.mapping(path, source, "signals")
    return KnownHitRates(
        horizon_days=reader.whole(path, source, "horizon_days", default=None, least=1, most=_MOST_DAYS),
        comes_back_by=reader.choice(path, source, "comes_back_by", ("purchase", "activity")),
        until=reader.text(path, source, "until"),
        by_signal={str(name): _rate(reader, (*path, "signals"), given, name) for name in given},
    )


def _rate(reader: Reader, path: tuple[str, ...], given: Mapping[str, Any], name: str) -> HitRate:
    at, body = (*path, str(name)), reader.mapping(path, given, name)
    reader.unknown_keys(at, body, {*HitRate._fields, "alerts"})
    found = HitRate(*(float(reader.number(at, body, end, default=None, least=0, most=1)) for end in HitRate._fields))
    if not found.low <= found.share <= found.high:
        reader.wrong((*at, "share"), f"must lie between low and high, not {found.share!r}")
    return found
