"""What the signals found of what was truly there: precision, recall, lead time and load, from truths and alerts.

Pure arithmetic: it knows neither the simulation nor the engine. An alert is its first revision, at the time it was told
(`observed_at`); later revisions of an episode add nothing, and one that was retracted later still counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from models.calendar import DAY_MS
from models.detection.findings import CURVE_DAYS, Detection, KindLoad, KindScore, Lead, SignalScore
from models.detection.loyal import YEAR_MS, score_loyal
from models.detection.proportion import Quartiles, Share, quartiles, rate, wilson
from models.detection.truth import SHOWN_BY, Sign, Truth

WEEK_MS: Final = 7 * DAY_MS
PAUSING: Final = "seasonal"
"""The kind that is silent for months without meaning anything by it."""
JUDGED: Final = frozenset(shows.signal for shown in SHOWN_BY.values() for shows in shown)
"""Signals that some change shows in; the others can be neither right nor wrong about these customers."""


class Firing(NamedTuple):
    """The beginning of an alert."""

    customer_id: str
    signal: str
    at_ms: int


class Move(NamedTuple):
    """A customer's transition to a stage."""

    customer_id: str
    stage: str
    at_ms: int


class Watched(NamedTuple):
    """A signal of the catalogue that was replayed."""

    signal: str
    polarity: Literal["negative", "positive"]


@dataclass(frozen=True, slots=True)
class Observed:
    """The truth about every customer, what the engine said of them, and between which instants."""

    truths: Sequence[Truth]
    firings: Sequence[Firing]
    moves: Sequence[Move]
    start_ms: int
    end_ms: int


def detect(observed: Observed, watched: Sequence[Watched]) -> Detection:
    """Compare what was said with what was so. Alerts of customers without a truth are an error of the caller."""
    cases = _cases(observed)
    negative = frozenset(one.signal for one in watched if one.polarity == "negative")
    loyal = [case for case in cases if case.truth.kind == "loyal"]
    kinds = sorted({case.truth.kind for case in cases})
    return Detection(
        customers=len(cases),
        events=sum(truth.events for truth in observed.truths),
        days=(observed.end_ms - observed.start_ms) // DAY_MS,
        years=_years(cases, observed.end_ms),
        alerts=len(observed.firings),
        signals=tuple(_score_signal(one, cases, observed.end_ms) for one in watched),
        kinds=tuple(
            _score_kind([case for case in cases if case.truth.kind == kind], negative, observed.end_ms)
            for kind in kinds
        ),
        loyal=score_loyal(
            [(case.truth, [firing for firing in case.firings if firing.signal in negative]) for case in loyal],
            observed.start_ms,
            observed.end_ms,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One customer: the truth, the alerts by time, and the day each stage was reached after leaving."""

    truth: Truth
    firings: list[Firing]
    left: dict[str, int]

    def is_right(self, firing: Firing) -> bool:
        return any(sign.is_shown_by(firing.signal, firing.at_ms) for sign in self.truth.signs)

    def first_right(self, sign: Sign) -> Firing | None:
        """The first alert of the sign's signal within its interval."""
        return next((one for one in self.firings if sign.is_shown_by(one.signal, one.at_ms)), None)


def _cases(observed: Observed) -> list[_Case]:
    firings: dict[str, list[Firing]] = defaultdict(list)
    for firing in sorted(observed.firings, key=lambda one: (one.at_ms, one.signal)):
        firings[firing.customer_id].append(firing)
    moves: dict[str, list[Move]] = defaultdict(list)
    for move in sorted(observed.moves, key=lambda one: one.at_ms):
        moves[move.customer_id].append(move)
    unknown = firings.keys() - {truth.customer_id for truth in observed.truths}
    if unknown:
        raise ValueError(f"alerts about {len(unknown)} customers of whom nothing is known, {min(unknown)} for one")
    return [
        _Case(truth, firings.get(truth.customer_id, []), _left(truth, moves.get(truth.customer_id, [])))
        for truth in sorted(observed.truths, key=lambda truth: truth.customer_id)
    ]


def _left(truth: Truth, moves: list[Move]) -> dict[str, int]:
    """When a customer who leaves first counted as dormant and as churned."""
    reached: dict[str, int] = {}
    if truth.leaves_at_ms is not None:
        for move in moves:
            if move.at_ms >= truth.leaves_at_ms and move.stage in ("dormant", "churned"):
                reached.setdefault(move.stage, move.at_ms)
    return reached


def _score_signal(watched: Watched, cases: list[_Case], end_ms: int) -> SignalScore:
    signal = watched.signal
    signs = [(case, sign) for case in cases for sign in case.truth.signs if sign.signal == signal]
    complete = [(case, sign) for case, sign in signs if sign.until_ms <= end_ms]
    expected = [(case, sign) for case, sign in complete if sign.is_expected]
    firsts = [(case, sign, first) for case, sign in signs if (first := case.first_right(sign)) is not None]
    alerts = [(case, firing) for case in cases for firing in case.firings if firing.signal == signal]
    is_judged = signal in JUDGED
    return SignalScore(
        signal=signal,
        polarity=watched.polarity,
        is_judged=is_judged,
        alerts=len(alerts),
        precision=_right_share(alerts) if is_judged else None,
        precision_steady=_right_share([one for one in alerts if one[0].truth.kind != PAUSING]) if is_judged else None,
        recall=_found_share(expected),
        coverage=_found_share(complete),
        open_ended=sum(sign.is_expected and sign.until_ms > end_ms for _, sign in signs),
        delay=quartiles([_days(first.at_ms - sign.from_ms) for _, sign, first in firsts]),
        lead=_lead([(case, first) for case, _, first in firsts] if watched.polarity == "negative" else []),
        weekly=_weekly(len(alerts), cases, end_ms),
        kinds=_loads(alerts, cases, end_ms),
    )


def _right_share(alerts: list[tuple[_Case, Firing]]) -> Share | None:
    return wilson(sum(case.is_right(firing) for case, firing in alerts), len(alerts))


def _found_share(signs: list[tuple[_Case, Sign]]) -> Share | None:
    return wilson(sum(case.first_right(sign) is not None for case, sign in signs), len(signs))


def _lead(firsts: list[tuple[_Case, Firing]]) -> Lead:
    """Of customers who left, by the first right alert of each."""
    first_of: dict[str, tuple[_Case, Firing]] = {}
    for case, first in firsts:
        first_of.setdefault(case.truth.customer_id, (case, first))

    def until(stage: str) -> Quartiles | None:
        return quartiles(
            [_days(case.left[stage] - first.at_ms) for case, first in first_of.values() if stage in case.left]
        )

    return Lead(until("dormant"), until("churned"))


def _loads(alerts: list[tuple[_Case, Firing]], cases: list[_Case], end_ms: int) -> dict[str, KindLoad]:
    count, right = Counter[str](), Counter[str]()
    for case, firing in alerts:
        count[case.truth.kind] += 1
        right[case.truth.kind] += case.is_right(firing)
    of_kind: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        of_kind[case.truth.kind].append(case)
    return {
        kind: KindLoad(count[kind], right[kind], _weekly(count[kind], of_kind[kind], end_ms))
        for kind in sorted(of_kind)
    }


def _score_kind(cases: list[_Case], negative: frozenset[str], end_ms: int) -> KindScore:
    years = [_age(case, end_ms) / YEAR_MS for case in cases]
    bad = [[firing for firing in case.firings if firing.signal in negative] for case in cases]
    wrong = [
        sum(firing.signal in JUDGED and not case.is_right(firing) for firing in firings)
        for case, firings in zip(cases, bad, strict=True)
    ]
    followed = [
        (case, from_ms)
        for case in cases
        if (from_ms := _first_change(case, negative)) is not None and from_ms + CURVE_DAYS * DAY_MS <= end_ms
    ]
    firsts = [(case, from_ms, _first_of_any(case, from_ms, negative)) for case, from_ms in followed]
    delays = [_days(first.at_ms - from_ms) for _, from_ms, first in firsts if first is not None]
    dormant = [_days(case.left["dormant"] - from_ms) for case, from_ms in followed if "dormant" in case.left]
    return KindScore(
        kind=cases[0].truth.kind,
        customers=len(cases),
        years=_years(cases, end_ms),
        negative_a_year=rate([len(firings) for firings in bad], years),
        positive_a_year=rate([len(case.firings) - len(own) for case, own in zip(cases, bad, strict=True)], years),
        wrong_a_year=rate(wrong, years),
        found=wilson(len(delays), len(followed)),
        delay=quartiles(delays),
        lead=_lead([(case, first) for case, _, first in firsts if first is not None]),
        found_by_day=_curve(delays, len(followed)),
        dormant_by_day=_curve(dormant, len(followed)),
    )


def _first_change(case: _Case, negative: frozenset[str]) -> int | None:
    return min((sign.from_ms for sign in case.truth.signs if sign.signal in negative), default=None)


def _first_of_any(case: _Case, from_ms: int, negative: frozenset[str]) -> Firing | None:
    """The first right negative alert, within CURVE_DAYS of the first change."""
    until_ms = from_ms + CURVE_DAYS * DAY_MS
    return next(
        (one for one in case.firings if one.signal in negative and one.at_ms <= until_ms and case.is_right(one)), None
    )


def _curve(days: list[float], of: int) -> tuple[float, ...]:
    """Which share came within 0, 1, 2 … CURVE_DAYS days."""
    if not of or not days:
        return ()
    return tuple(round(sum(day <= at for day in days) / of, 4) for at in range(CURVE_DAYS + 1))


def _age(case: _Case, end_ms: int) -> int:
    """How long the customer was known, until the end of the data."""
    return end_ms - case.truth.begins_at_ms


def _years(cases: list[_Case], end_ms: int) -> float:
    return round(sum(_age(case, end_ms) for case in cases) / YEAR_MS, 2)


def _weekly(alerts: int, cases: list[_Case], end_ms: int) -> float:
    weeks = sum(_age(case, end_ms) for case in cases) / WEEK_MS
    return round(1000 * alerts / weeks, 3) if weeks else 0.0


def _days(span_ms: int) -> float:
    return round(span_ms / DAY_MS, 2)
