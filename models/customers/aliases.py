"""Who goes by another id: aliases of customers, and what other partitions said of the customers here."""

from collections.abc import Callable, Collection, Container
from copy import copy

import numpy as np
from msgspec import Struct

from models.customers.arrays import NO_ROWS, Rows
from models.customers.columns import NEVER
from models.customers.roster import Roster
from schemas.moved import ForgetV1, HistoryV1, MovedOrigin


class Alias(Struct, frozen=True, array_like=True):
    """The customer of an alias, and the boundary as of which it left."""

    customer_id: str
    since: int


class Aliases(Struct, dict=True):
    """Everything that is kept of aliases; what comes of a restart follows from it."""

    gone: dict[str, Alias] = {}
    """By alias: whose it is, for ever."""
    leaving: dict[str, int] = {}
    """By alias that is not gone yet, the boundary as of which it will be."""
    joined: dict[str, dict[str, int]] = {}
    """By customer: the aliases that were announced, and since when they come; of those erased before that the name."""
    quiet: dict[str, int] = {}
    """By id the first day on which nothing is fired early: of customers who are joined, and of aliases."""
    waiting: list[HistoryV1] = []
    """What counts from the boundary behind its own on."""
    forgotten: list[ForgetV1] = []
    """Aliases whose customer was erased, until they go as well."""
    read: dict[str, int] = {}
    """By sender and place the greatest offset from which something was taken in."""
    announced: dict[int, int] = {}
    """By partition, the first boundary from which on something comes of it."""
    marks: dict[int, int] = {}
    """By partition, how far it has sent everything."""
    told: dict[int, int] = {}
    """By partition to which something goes, the mark that it was sent last."""
    sent: int = 0
    """Histories sent so far."""

    def __post_init__(self) -> None:
        self.rows: Rows = NO_ROWS
        """Of the aliases that are gone or leave, ascending; looked up anew behind a snapshot."""

    def __bool__(self) -> bool:
        return bool(self.gone or self.leaving)

    def kept(self) -> "Aliases":
        """A copy for a snapshot."""
        found = copy(self)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            setattr(found, name, value if isinstance(value, int) else copy(value))
        found.joined = {customer_id: aliases.copy() for customer_id, aliases in self.joined.items()}
        return found

    def find_rows(self, roster: Roster) -> None:
        """Look up the rows of those who are gone, or about to go."""
        rows = roster.rows_of([*self.gone, *self.leaving]) if self else NO_ROWS
        self.rows = np.sort(rows[rows >= 0])

    def note_leaving(self, alias: str, boundary: int, roster: Roster) -> None:
        """Somebody is about to go, as of a boundary."""
        self.leaving[alias] = boundary
        (row,) = roster.rows_of([alias]).tolist()
        place = int(self.rows.searchsorted(row))
        if row >= 0 and row not in self.rows[place : place + 1]:
            self.rows = np.insert(self.rows, place, row)

    def is_here(self, customer_id: str, boundary: int) -> bool:
        """Whether nobody said that somebody is an alias before a boundary: what is said of them there counts."""
        return customer_id not in self.gone and self.leaving.get(customer_id, NEVER) >= boundary

    def is_new(self, origin: MovedOrigin) -> bool:
        """Whether what comes from there was not taken in yet; from now on it was."""
        place = f"{origin.partition}/{origin.place}"
        if origin.offset <= self.read.get(place, -1):
            return False
        self.read[place] = origin.offset
        return True

    def note_quiet(self, customer_id: str, day: int) -> None:
        """From a day on nothing is fired early of somebody."""
        self.quiet[customer_id] = min(day, self.quiet.get(customer_id, day))

    def is_quiet(self, customer_id: str, day: int) -> bool:
        """Whether nothing is fired early of somebody on a day."""
        return self.quiet.get(customer_id, NEVER) <= day

    def owner_of(self, customer_id: str, by: Collection[str], before: int = NEVER) -> str:
        """Whose something is that came by some ids, by who was gone before a boundary: it goes round no circle."""
        alias = self.gone.get(customer_id)
        is_here = alias is None or alias.since >= before or alias.customer_id in by
        return customer_id if alias is None or is_here else alias.customer_id

    def limit(self, boundary: int) -> int:
        """How far boundaries may be passed: to where all who announced something have sent everything."""
        limits = [max(first, self.marks.get(one, -1)) for one, first in self.announced.items()]
        return min([boundary, *limits])

    def take_forgotten(self, boundary: int, but: Container[str], name_of: Callable[[str], str]) -> list[str]:
        """Take out the aliases whose customers were erased before a boundary, but for some that wait for the next."""
        ripe = [one for one in self.forgotten if one.boundary < boundary and one.alias not in but]
        self.forgotten = [one for one in self.forgotten if one.boundary >= boundary or one.alias in but]
        known = [(one, self.gone[one.alias]) for one in ripe if one.alias in self.gone]
        return sorted({one.alias for one, alias in known if name_of(alias.customer_id) == one.customer_id})

    def forget(self, customer_id: str, name_of: Callable[[str], str]) -> None:
        """Nothing is kept of who is erased but the name, and where their things came from."""
        self.gone.pop(customer_id, None)
        self.leaving.pop(customer_id, None)
        self.quiet.pop(customer_id, None)
        self.joined.pop(customer_id, None)
        self.forgotten = [one for one in self.forgotten if one.alias != customer_id]
        self.waiting = [one for one in self.waiting if one.customer_id != customer_id and customer_id not in one.by]
        self.withdraw(customer_id, name_of)

    def withdraw(self, alias: str, name_of: Callable[[str], str]) -> set[str]:
        """Keep the name of who is erased for an id, where it was announced: that name."""
        found = [aliases for aliases in self.joined.values() if alias in aliases]
        for aliases in found:
            aliases[name_of(alias)] = aliases.pop(alias)
        return {name_of(alias) for _ in found[:1]}
