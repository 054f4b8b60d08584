"""Alerts that ended are open no more; how bad they had begun is remembered while their customers rest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.alerts.episode import SignalAlerts
from models.customers.arrays import Rows, among


def close(of: SignalAlerts, rows: Rows, places: NDArray[np.intp] | Sequence[int], boundary: int) -> None:
    """Close the open alerts of these rows, which are at these places, as of a boundary."""
    table = of.open
    if of.corroborated:
        for row in rows.tolist():
            of.corroborated.pop(row, None)
    cooling, rest, initial = of.cooling, max(1, of.signal.cooldown_days), table.column("initial")[places]
    cooling.keep((cooling.column("ended") > boundary - rest) & ~among(cooling.rows, rows))
    cooling.add(rows, ended=boundary, initial=initial)
    kept = np.ones(len(table), np.bool_)
    kept[places] = False
    table.keep(kept)
