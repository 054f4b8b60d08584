"""How often a signal is right: by what people said of its alerts, and by what came of those nobody was told of.

*People* say `kept` or `lost` of an alert that was right, `false_alarm` of one that was not; the last word counts. They
answer what they choose to, so the share that was answered stands beside it.

*Observed* is of the held-out arm of experiments alone: nobody acted, so who stayed away through the horizon would have
left, and who came back did so alone. Of those who were told neither can be known: who came back may have been won.

Both are shares with Wilson's interval, customers with several alerts being clusters (J. N. K. Rao and A. J. Scott, "A
simple method for the analysis of clustered binary data", Biometrics 48, 1992, 577-585).

*A proposal* is a stricter threshold of the score, found on one half of the customers and judged on the other: the cut
that drops most false alarms for the right ones it loses (W. J. Youden, "Index for rating diagnostic tests", Cancer 3,
1950, 32-35). It is made only where on the other half the share of false alarms that is dropped exceeds that of the
right ones, beyond chance (Newcombe's interval). It is for a person to accept: nothing applies it. Nothing can be said
of a milder threshold, as nobody below the present one was alerted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from math import hypot
from typing import Final, Literal, NamedTuple

import msgspec

from models.detection.proportion import Share, share_by_customer
from schemas.alert import AlertV1
from schemas.command import AlertOutcome
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1

LEAST: Final = 10
"""Right alerts, and false ones, in each half of the customers, below which no threshold is looked for."""
Scale = Literal["score", "times"]
"""What a threshold is told in: the score's own units, or times the customer's own threshold."""
Worse = Literal["higher", "lower"]


class Proposal(msgspec.Struct, frozen=True):
    """A stricter threshold: `present` and `proposed` on its scale.

    On the customers it was not found on: `judged` alerts, their precision as it is and with it, and of the false and of
    the right ones the share that it would drop.
    """

    scale: Scale
    present: float
    proposed: float
    judged: int
    before: Share
    after: Share
    false_dropped: Share
    right_dropped: Share


class SignalPrecision(msgspec.Struct, frozen=True):
    """One signal: `alerts` that are known of, `answered` by people, by word; `held_out` trials that are over.

    `by_people` and `observed` are the shares that were right, None where nothing is known. `no_proposal` says why there
    is none.
    """

    signal: str
    alerts: int
    answered: int
    words: dict[AlertOutcome, int]
    by_people: Share | None
    held_out: int
    observed: Share | None
    proposal: Proposal | None
    no_proposal: str | None


class _JudgedAlert(NamedTuple):
    """An alert of which it is known whether it was right, and how far its score was beyond its threshold."""

    customer_id: str
    score: float
    threshold: float
    is_right: bool


class Evidence:
    """Gathers what is published: in any order, and however often it comes."""

    def __init__(self) -> None:
        self._first: dict[str, AlertV1] = {}
        self._newest: dict[str, AlertV1] = {}
        self._words: dict[str, tuple[tuple[str, str, str], ReceiptV1]] = {}
        self._outcomes: dict[str, OutcomeV1] = {}

    def add(self, record: AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1) -> None:
        """Take in a record; what says nothing of this is passed over."""
        if isinstance(record, ReceiptV1):
            self._hear(record)
        elif isinstance(record, OutcomeV1):
            known = self._outcomes.get(record.alert_id)
            if known is None or (known.at, known.came_back) < (record.at, record.came_back):
                self._outcomes[record.alert_id] = record
        else:
            alert = record if isinstance(record, AlertV1) else record.alert
            if alert.revision <= self._first.get(alert.alert_id, alert).revision:
                self._first[alert.alert_id] = alert
            if alert.revision >= self._newest.get(alert.alert_id, alert).revision:
                self._newest[alert.alert_id] = alert

    def _hear(self, receipt: ReceiptV1) -> None:
        if receipt.status != "done" or receipt.outcome is None or receipt.alert_id is None or receipt.signal is None:
            return
        order = (receipt.effective_at, receipt.at, receipt.command_id)
        if receipt.alert_id not in self._words or self._words[receipt.alert_id][0] < order:
            self._words[receipt.alert_id] = (order, receipt)

    def judged(self, worse: Mapping[str, Worse]) -> tuple[SignalPrecision, ...]:
        """Every signal of `worse`, which says where its score is worse, and every other that something is known of."""
        said = self._said()
        alerts: defaultdict[str, set[str]] = defaultdict(set)
        for alert_id, signal in self._signals().items():
            alerts[signal].add(alert_id)
        return tuple(
            self._signal(name, sorted(alerts[name]), said, worse.get(name)) for name in sorted({*worse, *alerts})
        )

    def _signals(self) -> dict[str, str]:
        """The signal of every alert that is known of."""
        found = {alert_id: str(receipt.signal) for alert_id, (_, receipt) in self._words.items()}
        found |= {alert_id: one.signal for alert_id, one in self._outcomes.items()}
        return found | {alert_id: one.signal for alert_id, one in self._newest.items()}

    def _said(self) -> dict[str, tuple[str, AlertOutcome]]:
        """By alert that people answered, the customer and their last word: on the alert, else in a receipt."""
        heard = {alert_id: (one.customer_id, one.outcome) for alert_id, (_, one) in self._words.items()}
        shown = {alert_id: (one.customer_id, one.outcome) for alert_id, one in self._newest.items() if one.outcome}
        return {alert_id: (who, word) for alert_id, (who, word) in (shown | heard).items() if word is not None}

    def _signal(
        self, name: str, alerts: list[str], said: Mapping[str, tuple[str, AlertOutcome]], worse: Worse | None
    ) -> SignalPrecision:
        words = [(*said[one], one) for one in alerts if one in said]
        held = [self._outcomes[one] for one in alerts if one in self._outcomes]
        held = [one for one in held if one.arm == "holdout"]
        right = {alert_id: (who, word != "false_alarm") for who, word, alert_id in words}
        stayed = {one.alert_id: (one.customer_id, not one.came_back) for one in held}
        cases = [
            _JudgedAlert(who, first.score, first.threshold, is_right)
            for alert_id, (who, is_right) in sorted((stayed | right).items())
            if (first := self._first.get(alert_id)) and first.score is not None and first.threshold is not None
        ]
        proposal = "it is none of the signals of the catalogue" if worse is None else propose(cases, worse)
        counts: dict[AlertOutcome, int] = {"kept": 0, "lost": 0, "false_alarm": 0}
        for _, word, _ in words:
            counts[word] += 1
        return SignalPrecision(
            signal=name,
            alerts=len(alerts),
            answered=len(words),
            words=counts,
            by_people=share_by_customer(right.values()),
            held_out=len(held),
            observed=share_by_customer(stayed.values()),
            proposal=proposal if isinstance(proposal, Proposal) else None,
            no_proposal=proposal if isinstance(proposal, str) else None,
        )


def propose(cases: Iterable[_JudgedAlert], worse: Worse) -> Proposal | str:
    """A stricter threshold, or why there is none."""
    known = [*cases]
    halves: tuple[list[_JudgedAlert], list[_JudgedAlert]] = ([], [])
    for one in known:
        halves[sha256(one.customer_id.encode()).digest()[0] % 2].append(one)
    counts = [sum(one.is_right == is_right for one in half) for half in halves for is_right in (True, False)]
    if min(counts) < LEAST:
        return f"too few: {LEAST} right and {LEAST} false alerts are needed in each half of the customers"
    scale: Scale = "score" if len({one.threshold for one in known}) == 1 else "times"
    if scale == "times" and min(min(one.threshold, one.score) for one in known) <= 0:
        return "thresholds differ between customers, and some are not above 0: there is no common scale"
    sign = 1 if worse == "higher" else -1
    learn, check = ([(_on(scale, one) * sign, one) for one in half] for half in halves)
    cut = max(sorted({at for at, _ in learn}), key=lambda at: (round(_youden(learn, at), 9), -at))
    kept = [one for at, one in check if at >= cut]
    false, right = (_dropped(check, cut, is_right=is_right) for is_right in (False, True))
    before = share_by_customer((one.customer_id, one.is_right) for _, one in check)
    after = share_by_customer((one.customer_id, one.is_right) for one in kept)
    if before is None or after is None or false is None or right is None or _lead(false, right) <= 0:
        return "the score does not tell right alerts from false ones, beyond chance"
    present = known[0].threshold if scale == "score" else 1.0
    return Proposal(scale, present, round(cut * sign, 4), len(check), before, after, false, right)


def _on(scale: Scale, one: _JudgedAlert) -> float:
    return one.score if scale == "score" else one.score / one.threshold


def _dropped(cases: list[tuple[float, _JudgedAlert]], cut: float, *, is_right: bool) -> Share | None:
    """Of the right, or of the false alerts, the share that would not be raised any more."""
    return share_by_customer((one.customer_id, at < cut) for at, one in cases if one.is_right == is_right)


def _youden(cases: list[tuple[float, _JudgedAlert]], cut: float) -> float:
    false, right = (_dropped(cases, cut, is_right=is_right) for is_right in (False, True))
    assert false is not None  # there are at least `LEAST` of each
    assert right is not None
    return false.hits / false.of - right.hits / right.of


def _lead(false: Share, right: Share) -> float:
    """By how much at least false alarms are dropped more than right alerts: the lower end of Newcombe's interval."""
    return false.share - right.share - hypot(false.share - false.low, right.high - right.share)
