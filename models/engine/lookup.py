"""Where the events of a frame belong, looked up for all at once: row, day, and whether an id may be a repetition."""

from collections.abc import Iterable, Sequence

import numpy as np

from models.customers.customers import Customers
from models.engine.arrivals import Arrival
from models.engine.ids import SeenIds, hashes, keys_of
from schemas.event import Event

Place = tuple[int, int, int, int, bool]
"""Of an event: its customer's row (-1: not seen yet), its day, the hash of its id, the key of its id, and whether it is
surely no repetition: its customer was seen before, and the id was not on a closed day."""


def look_up(arrivals: Sequence[Arrival], customers: Customers, ids: SeenIds) -> Iterable[Place | None]:
    """The places of events in their order; None for what is no event."""
    ids.put_away(customers.boundary)
    events = [content for _, _, content in arrivals if isinstance(content, Event)]
    if not events:
        return [None] * len(arrivals)
    row_of = customers.roster.rows.get
    rows = [row_of(event.customer_id, -1) for event in events]
    days = customers.basis.calendar.days_of([event.time_ms for event in events])
    hashed, numbers = hashes([event.id for event in events]), np.array(rows, np.int32)
    keys = keys_of(hashed, np.array([event.feed for event in events], np.int8), numbers)
    is_new = (numbers >= 0) & ~ids.find(keys)
    found = zip(rows, days, hashed.tolist(), keys.tolist(), is_new.tolist(), strict=True)
    if len(events) == len(arrivals):
        return found
    return [next(found) if isinstance(one.content, Event) else None for one in arrivals]
