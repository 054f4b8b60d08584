"""Commands on their way: taken in once, by id, they wait for the boundary at which they take effect.

That is the first one behind `at` that was not passed when the command came. What is older than L when it comes counts
for nothing, and its receipt says so.
"""

import numpy as np

from models.alerts.answers import Due
from models.alerts.attention.quiet import Quiet
from models.customers.customers import Customers
from models.engine.arrivals import APPLIED, APPLIED_LATE, CONFLICT, DUPLICATE, Fate
from models.engine.ids import SeenIds, hashes, keys_of
from models.engine.ledger import COMMANDS
from models.engine.watermark import Watermark
from schemas.command import Command


class Inbox:
    """The commands of a partition that are not decided yet."""

    def __init__(self, customers: Customers, watermark: Watermark, quiet: Quiet) -> None:
        self._customers, self._basis, self._watermark, self._quiet = customers, customers.basis, watermark, quiet
        self.waiting: list[Due] = []

    def take(self, command: Command, ids: SeenIds) -> Fate:
        """Take a command in; what became of it is said as of an event."""
        boundary, boundary_ms = self._watermark.boundary, self._watermark.boundary_ms
        if command.at_ms < boundary_ms - self._basis.lateness_ms:
            late = Due(boundary + 1, is_late=True, command=command)
            if late in self.waiting:  # its receipt is on its way
                return DUPLICATE
            self.waiting.append(late)
            return Fate("late", boundary=boundary)
        day = self._basis.calendar.day_of(command.at_ms)
        key = keys_of(hashes([f"{command.customer_id}\0{command.id}"]), np.array([COMMANDS]), np.array([0]))
        is_found = bool(ids.find(key)[0])
        seen = ids.add(int(key[0]), day, command.fingerprint, boundary, is_found=is_found)
        if seen != "new":
            return DUPLICATE if seen == "duplicate" else CONFLICT
        effective = max(day, boundary) + 1
        self.waiting.append(Due(effective, is_late=False, command=command))
        self._quiet.note(command, effective, self._customers.boundary)
        return APPLIED_LATE if command.at_ms < boundary_ms else APPLIED

    def due(self, boundary: int) -> list[Due]:
        """Take out what takes effect at a boundary, in the order in which it is decided."""
        found = sorted((one for one in self.waiting if one.boundary <= boundary), key=lambda one: one.order)
        self.waiting = [one for one in self.waiting if one.boundary > boundary]
        return found
