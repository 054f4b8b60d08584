"""Commands on their way: taken in once, by id, they wait for the boundary at which they take effect.

That is the first one behind `at` that was not passed when the command came. What is older than L when it comes counts
for nothing, and its receipt says so; an erasure always counts.
"""

import numpy as np

from models.alerts.answers import Due
from models.alerts.attention.quiet import Quiet
from models.customers.customers import Customers
from models.engine.arrivals import APPLIED, APPLIED_LATE, CONFLICT, DUPLICATE, ERASED, Fate
from models.engine.ids import SeenIds, hashes, keys_of
from models.engine.ledger import COMMANDS
from models.engine.watermark import Watermark
from schemas.command import Command


class Inbox:
    """The commands of a partition that are not decided yet."""

    def __init__(self, customers: Customers, watermark: Watermark, quiet: Quiet) -> None:
        self._customers, self._basis, self._watermark, self._quiet = customers, customers.basis, watermark, quiet
        self.waiting: dict[Due, None] = {}
        """In the order in which they came."""

    def take(self, command: Command, ids: SeenIds) -> Fate:
        """Take a command in; what became of it is said as of an event."""
        boundary, boundary_ms = self._watermark.boundary, self._watermark.boundary_ms
        if command.at_ms < boundary_ms - self._basis.lateness_ms:
            return self._take_late(command, boundary)
        day = self._basis.calendar.day_of(command.at_ms)
        key = keys_of(hashes([f"{command.customer_id}\0{command.id}"]), np.array([COMMANDS]), np.array([0]))
        is_found = bool(ids.find(key)[0])
        seen = ids.add(int(key[0]), day, command.fingerprint, boundary, is_found=is_found)
        is_erased = self._customers.erased.refuses(command.customer_id, day, boundary)
        if seen != "new":
            return ERASED if is_erased else DUPLICATE if seen == "duplicate" else CONFLICT
        effective = max(day, boundary) + 1
        self._wait(Due(effective, is_late=False, command=command))
        if is_erased:
            return ERASED
        if command.customer_id not in self._customers.aliases.gone:
            self._quiet.note(command, effective, self._customers.boundary)
        return APPLIED_LATE if command.at_ms < boundary_ms else APPLIED

    def _take_late(self, command: Command, boundary: int) -> Fate:
        """Take in what is too old to be compared with what came before."""
        is_erasure, day = command.action == "erase", self._basis.calendar.day_of(command.at_ms)
        is_erased = self._customers.erased.refuses(command.customer_id, day, boundary)
        is_new = self._wait(Due(boundary + 1, is_late=not is_erasure, command=command))
        if is_erased:
            return ERASED
        if not is_new:  # its receipt is on its way
            return DUPLICATE
        return APPLIED_LATE if is_erasure else Fate("late", boundary=boundary)

    def _wait(self, due: Due) -> bool:
        """Let a command wait, unless it does; of somebody who is erased no more than that."""
        erased, customer_id = self._customers.erased, due.command.customer_id
        if erased.is_erased(customer_id):
            due = due.nameless(erased.name_of(customer_id))
        elif due.is_erasure and self._customers.aliases.is_here(customer_id, due.boundary):
            erased.expect(customer_id, due.boundary)
        if due in self.waiting:
            return False
        self.waiting[due] = None
        return True

    def due(self, boundary: int) -> list[Due]:
        """Take out what takes effect at a boundary, in the order in which it is decided."""
        found = sorted((one for one in self.waiting if one.boundary <= boundary), key=lambda one: one.order)
        self.waiting = dict.fromkeys(one for one in self.waiting if one.boundary > boundary)
        return found
