"""What became of alerts that end: whether the customer came back, the trouble was solved, or the customer is lost.

It follows from the signal's own end condition. Where activity of the customer makes a part of it come true, the alert
waited for a return: that is one if that part holds and the customer was active in what it reads since the alert began.
A part that silence makes true gives up waiting. All else that ends an alert solves the trouble, unless the customer is
gone by then.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalogue.absence import by_presence
from models.catalogue.conditions import AnyOf, Never
from models.catalogue.rules import Signal
from models.customers.arrays import NO_ROWS, Bools, Ints, Rows, among
from models.customers.columns import NO_DAY
from models.customers.stages import CHURNED, DORMANT, silent_days
from models.measures.as_of import AsOf
from models.measures.daily import ALL_FEEDS
from models.measures.scalars import RISK, STAGE
from schemas.alert import EndReason
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

_TROUBLE_FEEDS = frozenset((TICKET, EMAIL))
"""A signal whose end reads these alone sees trouble, which may be solved though the customer buys nothing."""


def is_over(signal: Signal, as_of: AsOf, rows: Rows, starts: Ints) -> Bools:
    """Of whom the end condition holds; a feed that is down ends nothing by its silence.

    But for signals that are fired early: what fires ahead of the reviews cannot know of outages they will find.
    """
    outages, roster, condition = as_of.customers.outages, as_of.customers.roster, signal.ends.condition
    if signal.has_left or signal.announced_feed is not None or not outages.is_any:
        return among(rows, condition.where(as_of, rows, starts))
    found, groups = np.zeros(len(rows), np.bool_), outages.groups_of(roster)[rows]
    for group in np.unique(groups).tolist():
        own = rows[groups == group]
        heard = by_presence(condition, outages.down(group), as_of.basis)
        found[groups == group] = among(own, heard.where(as_of, own, starts))
    return found


def why_ended(signal: Signal, as_of: AsOf, rows: Rows, over: Bools, starts: Ints) -> dict[int, EndReason]:
    """By row, what became of the alerts of some customers that end at this boundary; `starts` is by row, too.

    `over`: whether the end condition holds; the others expire. Whoever counts as churned by then is lost, and so is
    who counts as dormant without having come back to a signal that waited for more than tickets and e-mails.
    """
    if signal.has_left:
        return dict.fromkeys(rows.tolist(), "signal_retired")
    found: NDArray[Any] = np.full(len(rows), "expired", object)
    found[over] = _usual_end(signal)
    stage = as_of.columns.stage[rows]
    if signal.ends_as is None:
        is_back = np.zeros(len(rows), np.bool_)
        is_back[over] = _came_back(signal, as_of, rows[over], starts)
        if signal.polarity == "negative":
            found[among(rows, _given_up(signal, as_of, rows[over & ~is_back], starts))] = "expired"
            found[is_back] = "came_back"
        if not signal.ends.feeds <= _TROUBLE_FEEDS:
            found[over & ~is_back & (stage == DORMANT)] = "lost"
    found[stage == CHURNED] = "lost"
    return dict(zip(rows.tolist(), found.tolist(), strict=True))


def reasons_of(signal: Signal) -> list[EndReason]:
    """What may become of alerts of a signal as long as the catalogue has it and nothing is decided anew."""
    found: list[EndReason] = ["lost"]
    if not isinstance(signal.ends.condition, Never):
        found.append(_usual_end(signal))
        if found[-1] == "solved" and signal.ends_as is None and signal.ends.condition.returns:
            found.append("came_back")
    is_given_up = signal.polarity == "negative" and signal.ends_as is None and signal.ends.condition.is_silence
    found += ["expired"] if signal.expires_days is not None or is_given_up else []
    found += ["taken_back"] if signal.announced_feed is not None else []
    return found


def _usual_end(signal: Signal) -> EndReason:
    """What its end condition makes of an alert, unless more is known of the customer."""
    return signal.ends_as or ("over" if signal.polarity == "positive" else "solved")


def _came_back(signal: Signal, as_of: AsOf, rows: Rows, starts: Ints) -> Bools:
    """Who did what the signal waited for, of those of whom its end condition holds."""
    parts = signal.ends.condition.alternatives
    waiting, others = [one for one in parts if one.returns], [one for one in parts if not one.returns]
    if not waiting:
        return np.zeros(len(rows), np.bool_)
    is_back: Bools = _last_active(as_of, rows, AnyOf(waiting).returns) >= starts[rows]
    doubtful = AnyOf(others).where(as_of, rows[is_back], starts) if others and is_back.any() else NO_ROWS
    if len(doubtful):  # of the others a part that activity makes true holds in any case: it need not be asked
        is_back[among(rows, doubtful)] = among(doubtful, AnyOf(waiting).where(as_of, doubtful, starts))
    return is_back


def _given_up(signal: Signal, as_of: AsOf, rows: Rows, starts: Ints) -> Rows:
    """Of whom a part holds that mere silence makes true: the signal waits no longer."""
    silences = [one for one in signal.ends.condition.alternatives if one.is_silence]
    return AnyOf(silences).where(as_of, rows, starts) if silences and len(rows) else NO_ROWS


def _last_active(as_of: AsOf, rows: Rows, feeds: frozenset[int]) -> Ints:
    """The newest closed day on which each was active in any of these feeds; of risks and stages, in what sets them."""
    columns = as_of.columns
    found = np.full(len(rows), NO_DAY, np.int64)
    if feeds & {PURCHASE, RISK}:
        found = np.maximum(found, columns.last_purchase[rows])
    if LOGIN in feeds and as_of.has(LOGIN):
        found = np.maximum(found, columns.last_login[rows])
    if STAGE in feeds:
        silent = silent_days(columns, rows, as_of.boundary, as_of.basis.lifecycle)
        found = np.maximum(found, as_of.boundary - 1 - silent)
    if feeds & {ALL_FEEDS, TICKET, EMAIL}:
        found = np.maximum(found, columns.last_day[rows])
    return found
