"""Experiments: a few customers, drawn by a salted hash, are left alone, and what comes of both arms is told alike.

A trial begins with a customer's first alert of a signal and lasts for the horizon; an alert that follows within it
belongs to it. Who must not be contacted or has opted out is in none, whichever arm it would be: nothing would be tried.
Nor is an alert that an outage holds when it begins: whether it is one is not known yet.
Who is in which arm is drawn anew each quarter. By another catalogue what has begun goes on in its arm; only a signal of
which nobody is held out any more has no trials, and whom it held out is told of.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np

from models.alerts.attention.rules import Occasion, feed_down
from models.alerts.episode import ARMS, HELD_OUT, NO_ARM, TREATED, Revision, SignalAlerts
from models.calendar import date_of
from models.customers.columns import STAGE_NAMES
from models.customers.stages import silent_days
from models.measures.as_of import AsOf
from schemas.alert import alert_id
from schemas.outcome import OutcomeV1

_MONTHS: Final = 3


class Draw(NamedTuple):
    """What arms are drawn with; alerts observed before `from_ms` are history, and nobody is told of them."""

    salt: str
    from_ms: int


def is_held_out(draw: Draw, signal: str, customer_id: str, day: int, share: float) -> bool:
    """Whether a trial that begins on a day leaves the customer alone: so for a share of them, evenly by hash."""
    year, month, _ = date_of(day).split("-")
    quarter = f"{year}-Q{(int(month) + _MONTHS - 1) // _MONTHS}"
    digest = sha256(f"{draw.salt}\0{signal}\0{quarter}\0{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def begin_trials(
    of: SignalAlerts, revisions: Sequence[Revision], occasion: Occasion, draw: Draw, id_of: Callable[[int], str]
) -> None:
    """Put the alerts that begin now into an arm."""
    if not of.signal.holdout:
        return
    new: list[Revision] = []
    for one in revisions:
        if one.status != "firing" or one.revision != 1 or one.observed_ms < draw.from_ms:
            continue
        if one.refused or one.row in occasion.opted_out or feed_down(of, one, occasion) is not None:
            continue
        place, known = of.open.place(one.row), of.trials.place(one.row)
        assert place is not None  # it begins
        if known is None:
            is_out = is_held_out(draw, of.signal.id, id_of(one.row), one.start, of.signal.holdout)
            one.arm = HELD_OUT if is_out else TREATED
            new.append(one)
        else:
            one.arm = int(of.trials.column("arm")[known])
        of.open.column("arm")[place] = one.arm
    new.sort(key=lambda one: one.row)
    rows = np.array([one.row for one in new], np.int32)
    of.trials.add(rows, start=[one.start for one in new], arm=[one.arm for one in new])


def end_trials(of: SignalAlerts) -> None:
    """Forget the trials of a signal of which nobody is held out any more; whom it held out is told of, if it still is.

    Both arms alike, as who is told after all is in neither.
    """
    of.trials.keep(np.zeros(len(of.trials), np.bool_))
    if not of.signal.has_left:  # its alerts end, and nobody was told of them
        of.open.column("arm")[:] = NO_ARM


def outcomes(
    of: SignalAlerts, as_of: AsOf, within: tuple[int, int], horizon_days: int, catalogue: str
) -> list[OutcomeV1]:
    """What came of the trials, among some rows, whose horizon is over; they are forgotten.

    A horizon that another catalogue made shorter was over before: as many days as were waited are told.
    """
    if not len(of.trials):
        return []
    trials, calendar, ids = of.trials, as_of.basis.calendar, as_of.customers.roster
    span = trials.within(*within)
    places = span.start + np.flatnonzero(trials.column("start")[span] + horizon_days <= as_of.boundary)
    if not len(places):
        return []
    rows, starts = trials.rows[places], trials.column("start")[places]
    silent = silent_days(as_of.columns, rows, as_of.boundary, as_of.basis.lifecycle)
    is_back = silent < as_of.boundary - starts
    found = [
        OutcomeV1(
            alert_id=alert_id(customer_id, of.signal.id, date_of(start)),
            customer_id=customer_id,
            signal=of.signal.id,
            arm=ARMS[arm] or "treated",
            starts_at=calendar.text_of(start),
            at=calendar.text_of(as_of.boundary),
            horizon_days=as_of.boundary - start,
            came_back=back,
            stage=STAGE_NAMES[stage] if stage else None,
            catalogue=catalogue,
        )
        for customer_id, start, arm, back, stage in zip(
            ids.ids_of(rows), starts.tolist(), trials.column("arm")[places].tolist(), is_back.tolist(),
            as_of.columns.stage[rows].tolist(), strict=True,
        )
    ]  # fmt: skip
    kept = np.ones(len(trials), np.bool_)
    kept[places] = False
    trials.keep(kept)
    return found
