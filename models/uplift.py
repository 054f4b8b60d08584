"""What telling is worth: of the customers tried, how many more came back of those told than of those held out.

*The difference.* Arms are drawn anew each quarter, and how many are held out may change with the catalogue. So arms are
compared within a stratum, the trials that began in the same quarter and were waited for equally long, and the strata's
differences are weighted with n1 n0 / (n1 + n0) (Mantel and Haenszel 1959), which is 0 where an arm is empty. A share of
held-out customers that changes within a quarter is not corrected for.

Who is treated counts as told, also where another rule held the alert back or nobody acted: arms are compared as drawn.

*The interval.* Newcombe's hybrid score interval: each arm's share has its Wilson interval, and the distances of their
ends are squared and added (R. G. Newcombe, "Interval estimation for the difference between independent proportions",
Statistics in Medicine 17, 1998, 873-890, method 10). Over several strata the same is done for the weighted sum (G. Y.
Zou, W. Huang and X. Zhang, "A note on confidence interval estimation for a linear function of binomial proportions",
Computational Statistics & Data Analysis 53, 2009, 1080-1085); with one stratum both are the same.

*Customers drawn more than once* are clusters. The design effect is the variance of the difference with all that one
customer contributes added before it is squared, over the variance that independent trials would have; numbers of trials
are divided by it (J. N. K. Rao and A. J. Scott, "A simple method for the analysis of clustered binary data", Biometrics
48, 1992, 577-585). It is never below 1. Where all trials of both arms ended alike their variance says nothing, and it
is the trials a customer has on average.

*What it still takes* is the size of two arms of the present proportion at which a two-sided test at 5 % sees a
difference with a power of 80 % (J. L. Fleiss, B. Levin and M. C. Paik, "Statistical Methods for Rates and Proportions",
3rd edition 2003, section 4.3, without a correction for continuity), times the design effect.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from math import ceil, inf, sqrt
from typing import Final, Literal, NamedTuple

import msgspec

from models.detection.proportion import Z95, wilson_ends
from schemas.alert import Arm
from schemas.outcome import OutcomeV1, encode_outcome

Z80: Final = 0.8416212335729143
"""The standard normal quantile of a power of 80 %."""
Verdict = Literal["brings back", "keeps away", "unsure", "unknown"]


class ArmResult(msgspec.Struct, frozen=True):
    """Of the `trials` of an arm, of so many `customers`, how many came back.

    `share`, `low` and `high` are weighted to the mix of quarters that both arms have, and None where nothing can be
    compared; the interval holds 95 %.
    """

    trials: int
    customers: int
    came_back: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


class ArmDifference(msgspec.Struct, frozen=True):
    """Share told that came back less the share held out that did, with its 95 % interval; and the design effect."""

    uplift: float
    low: float
    high: float
    design_effect: float


class Need(msgspec.Struct, frozen=True):
    """Trials of both arms at which a difference of shares would be seen, how many of them are still to come.

    `days`: how long that takes at the pace so far. None where no number of trials would do: a difference of 0.
    """

    difference: float
    trials: int | None
    still: int | None
    days: int | None


class SignalUplift(msgspec.Struct, frozen=True):
    """One signal. `apart`: trials in quarters of which one arm has none yet, left out of the difference.

    `for_present` is what it takes to see a true difference as large as the present one, `for_smallest` the same for a
    stated one: both None where an arm is empty, as nothing is known of it then.
    """

    signal: str
    verdict: Verdict
    treated: ArmResult
    holdout: ArmResult
    apart: int
    difference: ArmDifference | None
    for_present: Need | None
    for_smallest: Need | None


class Uplift(msgspec.Struct, frozen=True):
    """All signals, by name. `first_day` and `last_day`: on which the first and the last trial began."""

    signals: tuple[SignalUplift, ...]
    trials: int
    repeated: int
    first_day: str | None
    last_day: str | None
    smallest: float
    horizons: tuple[int, ...]
    schema_version: Literal[1] = 1


class _Stratum(NamedTuple):
    """Trials that are compared: the quarter in which they began, and how many days were waited."""

    quarter: str
    horizon_days: int


def uplift(outcomes: Iterable[OutcomeV1], signals: Iterable[str] = (), smallest: float = 0.05) -> Uplift:
    """Judge every signal that has outcomes, and those of `signals` without any.

    Each alert counts once, however often and in whichever order its outcome comes; of several that differ, as after a
    deployment began anew by another catalogue, the last. `smallest`: a difference of shares worth seeing, above 0.
    """
    known: dict[str, OutcomeV1] = {}
    repeated = 0
    for one in outcomes:
        before = known.get(one.alert_id)
        repeated += before is not None
        if before is None or _order(before) < _order(one):
            known[one.alert_id] = one
    by_signal: dict[str, list[OutcomeV1]] = {name: [] for name in signals}
    for alert_id in sorted(known):  # sums of floats are to be the same in whichever order outcomes come
        by_signal.setdefault(known[alert_id].signal, []).append(known[alert_id])
    days = sorted(one.starts_at[:10] for one in known.values())
    return Uplift(
        signals=tuple(_judged(name, of, smallest) for name, of in sorted(by_signal.items())),
        trials=len(known),
        repeated=repeated,
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        smallest=smallest,
        horizons=tuple(sorted({one.horizon_days for one in known.values()})),
    )


def _order(one: OutcomeV1) -> tuple[str, bytes]:
    return one.at, encode_outcome(one)


def _stratum(one: OutcomeV1) -> _Stratum:
    month = int(one.starts_at[5:7])
    return _Stratum(f"{one.starts_at[:4]}-Q{(month + 2) // 3}", one.horizon_days)


def _judged(signal: str, outcomes: list[OutcomeV1], smallest: float) -> SignalUplift:
    by_arm = {arm: [one for one in outcomes if one.arm == arm] for arm in _ARMS}
    cells = {arm: Counter(map(_stratum, of)) for arm, of in by_arm.items()}
    strata = sorted(cells["treated"].keys() & cells["holdout"].keys())
    told = {arm: _counted(of) for arm, of in by_arm.items()}
    if not strata:
        return SignalUplift(signal, "unknown", told["treated"], told["holdout"], len(outcomes), None, None, None)
    compared = _Compared(outcomes, strata)
    found = compared.difference()
    verdict: Verdict = "brings back" if found.low > 0 else "keeps away" if found.high < 0 else "unsure"
    need = _Needing(outcomes, compared, found)
    return SignalUplift(
        signal=signal,
        verdict=verdict,
        treated=compared.weighted("treated", told["treated"]),
        holdout=compared.weighted("holdout", told["holdout"]),
        apart=len(outcomes) - compared.trials,
        difference=found,
        for_present=need.of(found.uplift),
        for_smallest=need.of(smallest),
    )


def _counted(outcomes: list[OutcomeV1]) -> ArmResult:
    return ArmResult(len(outcomes), len({one.customer_id for one in outcomes}), sum(one.came_back for one in outcomes))


_ARMS: Final[tuple[Arm, ...]] = ("treated", "holdout")


class _Cell(NamedTuple):
    """An arm of a stratum: its trials, the share that came back, and its weight in the difference."""

    trials: int
    share: float
    weight: float


class _Compared:
    """The arms of one signal in the strata that have both."""

    def __init__(self, outcomes: list[OutcomeV1], strata: list[_Stratum]) -> None:
        self._outcomes = [one for one in outcomes if _stratum(one) in set(strata)]
        self.trials = len(self._outcomes)
        of: Counter[tuple[Arm, _Stratum]] = Counter()
        back: Counter[tuple[Arm, _Stratum]] = Counter()
        for one in self._outcomes:
            of[one.arm, _stratum(one)] += 1
            back[one.arm, _stratum(one)] += one.came_back
        sizes = {at: of["treated", at] * of["holdout", at] / (of["treated", at] + of["holdout", at]) for at in strata}
        whole = sum(sizes.values())
        self.cells: Mapping[tuple[Arm, _Stratum], _Cell] = {
            (arm, at): _Cell(of[arm, at], back[arm, at] / of[arm, at], sizes[at] / whole)
            for at in strata
            for arm in _ARMS
        }
        self.design_effect = self._design_effect()

    def share(self, arm: Arm) -> float:
        """Of an arm, weighted."""
        return sum(cell.weight * cell.share for (of, _), cell in self.cells.items() if of == arm)

    def distances(self, arm: Arm) -> tuple[float, float]:
        """How far the weighted share of an arm may lie below and above: those of its parts, squared and added."""
        below = above = 0.0
        for (of, _), cell in self.cells.items():
            if of == arm:
                low, high = wilson_ends(cell.share, cell.trials / self.design_effect)
                below += (cell.weight * (cell.share - low)) ** 2
                above += (cell.weight * (high - cell.share)) ** 2
        return sqrt(below), sqrt(above)

    def difference(self) -> ArmDifference:
        """Treated less held out."""
        found = self.share("treated") - self.share("holdout")
        (below, above), (held_below, held_above) = self.distances("treated"), self.distances("holdout")
        low, high = found - sqrt(below**2 + held_above**2), found + sqrt(above**2 + held_below**2)
        return ArmDifference(_rounded(found), _rounded(max(low, -1.0)), _rounded(min(high, 1.0)),
                          round(self.design_effect, 3))  # fmt: skip

    def weighted(self, arm: Arm, counts: ArmResult) -> ArmResult:
        """The counts of an arm, and its weighted share."""
        share, (below, above) = self.share(arm), self.distances(arm)
        return msgspec.structs.replace(
            counts,
            share=_rounded(share),
            low=_rounded(max(share - below, 0.0)),
            high=_rounded(min(share + above, 1.0)),
        )

    def _design_effect(self) -> float:
        """The variance by customer over that of independent trials, at least 1."""
        alone = sum(cell.weight**2 * cell.share * (1 - cell.share) / cell.trials for cell in self.cells.values())
        by_customer: defaultdict[str, float] = defaultdict(float)
        for one in self._outcomes:
            cell = self.cells[one.arm, _stratum(one)]
            sign = 1 if one.arm == "treated" else -1
            by_customer[one.customer_id] += sign * cell.weight * (one.came_back - cell.share) / cell.trials
        customers = len(by_customer)
        if alone <= 0 or customers < 2:
            return self.trials / customers
        together = sum(part * part for part in by_customer.values()) * customers / (customers - 1)
        return max(1.0, together / alone) if customers < self.trials else 1.0


class _Needing:
    """What it takes to see a difference from the share held out that came back, in arms of the present proportion."""

    def __init__(self, outcomes: list[OutcomeV1], compared: _Compared, found: ArmDifference) -> None:
        arms = Counter(one.arm for one in outcomes)
        self._have, self._effect = len(outcomes), found.design_effect
        self._base, self._ratio = compared.share("holdout"), arms["holdout"] / arms["treated"]
        days = [date.fromisoformat(one.starts_at[:10]).toordinal() for one in outcomes]
        self._a_day = len(outcomes) / (max(days) - min(days) + 1)

    def of(self, difference: float) -> Need:
        """The need of a difference; one that leads out of the shares there are is cut to the greatest there is."""
        wanted = min(max(difference, -self._base), 1 - self._base)
        trials = self._trials(wanted)
        if trials is None:
            return Need(difference, None, None, None)
        still = max(0, trials - self._have)
        return Need(difference, trials, still, ceil(still / self._a_day))

    def _trials(self, difference: float) -> int | None:
        base, ratio = self._base, self._ratio
        told = base + difference
        if not difference:
            return None
        mean = (told + ratio * base) / (1 + ratio)
        under_none = Z95 * sqrt(mean * (1 - mean) * (1 + 1 / ratio))
        under_it = Z80 * sqrt(told * (1 - told) + base * (1 - base) / ratio)
        treated = ((under_none + under_it) / difference) ** 2 * self._effect
        return None if treated == inf else ceil(treated) + ceil(treated * ratio)


def _rounded(share: float) -> float:
    return round(share, 4) + 0.0
