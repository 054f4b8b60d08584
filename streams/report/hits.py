"""Hit rates of signals as a report: how it was made, the numbers, each signal in a sentence. Its JSON is a contract."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from models.catalogue.hit_rates import Return
from models.hit_rate.contrast import Difference
from models.hit_rate.rates import MIN_CUSTOMERS, HitRates, SignalHits
from streams.report.encoding import indented
from streams.report.numbers import percent, points_apart, points_range

CAME_BACK: Final[dict[Return, str]] = {"purchase": "bought", "activity": "were active again"}
"""What coming back is, in words."""
NO_MODEL: Final = "No alert began here: it asks the model, and without --learn there is none, whatever workers told."


class MadeFrom(msgspec.Struct, frozen=True):
    """What a report was made from: the same files and catalogue give the same report."""

    files: tuple[str, ...]
    events: int
    bad_lines: int
    catalogue: str
    is_learned: bool
    program: str


class HitReport(msgspec.Struct, frozen=True):
    """A whole report; `says` is what it says of each signal, in the order of the signals."""

    made: MadeFrom
    rates: HitRates
    says: tuple[str, ...]
    schema_version: Literal[1] = 1


def report_on(made: MadeFrom, rates: HitRates, asks_model: frozenset[str]) -> HitReport:
    """Put the numbers in words. `asks_model`: signals that a replay without the model is silent about."""
    unheard = frozenset() if made.is_learned else asks_model
    return HitReport(
        made, rates, tuple(sentence(one, rates, is_unheard=one.signal in unheard) for one in rates.signals)
    )


def encode_kept(report: HitReport) -> bytes:
    """What a catalogue's `hit_rates` names: of each signal that could be judged the share of alerts that came true.

    That is, of bad news, who did not come back, and of good news who did.
    """
    rates = report.rates
    kept = {
        one.signal: _hit_rate(one)
        for one in sorted(rates.signals, key=lambda one: one.signal)
        if one.came_back is not None and one.verdict != "too few" and one.customers >= MIN_CUSTOMERS <= one.came_back.of
    }
    about = {"horizon_days": rates.horizon_days, "comes_back_by": rates.comes_back_by, "until": rates.boundary or "-"}
    return indented({**about, "signals": kept}) + b"\n"


def _hit_rate(one: SignalHits) -> dict[str, float]:
    back = one.came_back
    assert back is not None  # chosen so
    low, share, high = back.low, back.share, back.high
    if one.foretells == "fewer":
        low, share, high = (round(1 - end, 4) for end in (high, share, low))
    return {"share": share, "low": low, "high": high, "alerts": back.of}


def sentence(one: SignalHits, rates: HitRates, *, is_unheard: bool = False) -> str:
    """What came of a signal's alerts, as one would say it."""
    found, within = one.compared, f"within {rates.horizon_days} days though nobody called"
    did = CAME_BACK[rates.comes_back_by]
    if one.verdict == "no alerts":
        return NO_MODEL if is_unheard else "No alert began."
    if one.verdict == "not judged":
        told = f"Not judged: {one.reason}."
    elif one.came_back is None:
        told = f"Of none of its {one.alerts:,} alerts the {rates.horizon_days} days are over."
    elif found is None:
        alone = "nobody alike was without the alert, so that there is nobody to compare with."
        told = f"Of {one.came_back.of:,} alerted {percent(one.came_back.share)} {did} {within}; {alone}"
    else:
        told = f"Of {one.came_back.of:,} alerted {percent(one.came_back.share)} {did} {within}; "
        if one.alone:
            told += f"of the {found.alerts:,} of them to whom somebody was alike {percent(found.alerted)}, "
        told += f"of those alike {percent(found.alike)}{_concluded(one, found)}"
    return told


def _concluded(one: SignalHits, found: Difference) -> str:
    """What follows from both shares."""
    if one.verdict == "too few":
        return f". Only {found.customers:,} customers: with fewer than {MIN_CUSTOMERS} nothing is concluded."
    if one.verdict == "no difference":
        return f": no difference beyond chance ({points_range(found.low, found.high)} points)."
    if one.verdict == "the reverse":
        wanted = "It does not single out those who leave." if one.foretells == "fewer" else "It is no good news."
        return f": {_by_how_much(found)}, where {one.foretells} were foretold. {wanted}"
    return f": {_by_how_much(found)}."


def _by_how_much(found: Difference) -> str:
    low, high = map(points_apart, sorted((found.low, found.high), key=abs))
    word = "fewer" if found.difference < 0 else "more"
    return f"{points_apart(found.difference)} points {word} ({low} to {high})"
