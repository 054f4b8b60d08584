"""What is known of customers as of a boundary, asked in the catalogue's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from models.alerts.episode import NO_EPISODE
from models.catalogue.language import CompiledCondition, CompiledTerm, compile_condition, compile_term
from models.catalogue.terms import Term, Value
from models.config import Basis, Number
from models.measures.as_of import AsOf
from models.measures.windows import Windows
from models.scoring.worth import ORDERS, SPENT
from schemas.event import Event
from support.closing import Closing


class Standing:
    """Customers of some events; `since`: the first day of the episode under judgement."""

    def __init__(
        self, basis: Basis, events: Iterable[Event], boundary: int, *, customer: str = "c1", since: int = NO_EPISODE
    ) -> None:
        self.basis, self.boundary, self.since = basis, boundary, since
        self._events, self._customer = list(events), customer

    @cached_property
    def closing(self) -> Closing:
        """Every day before the boundary, closed."""
        found = Closing(self.basis, self._events)
        found.customers.row_of(self._customer)
        found.first = min(found.first, self.boundary - 1)
        for _ in found.until(self.boundary):
            pass
        return found

    @property
    def row(self) -> int:
        """The customer's row."""
        return self.closing.customers.roster.rows[self._customer]

    def as_of(self, terms: Iterable[Term] = ()) -> AsOf:
        """The columns, with the windows that some terms ask for."""
        customers = self.closing.customers
        windows = Windows((ORDERS, SPENT, *(window for term in terms for window in term.windows)))
        windows.rebuild(customers)
        return AsOf(customers, windows)

    def value(self, of: str | CompiledTerm, constants: Mapping[str, Number] | None = None) -> Value:
        """A term's value of the customer, as it is published; None where it is unknown."""
        term = (compile_term(of, self._constants(constants)) if isinstance(of, str) else of).term
        rows, starts = self._asked()
        return term.listed(self.as_of([term]), rows, starts)[0]

    def holds(self, of: str | CompiledCondition, constants: Mapping[str, Number] | None = None) -> bool:
        """Whether a condition is true of the customer."""
        condition = (compile_condition(of, self._constants(constants)) if isinstance(of, str) else of).condition
        rows, starts = self._asked()
        return len(condition.where(self.as_of(condition.terms()), rows, starts)) > 0

    def _constants(self, constants: Mapping[str, Number] | None) -> Mapping[str, Number]:
        return self.basis.constants if constants is None else constants

    def _asked(self) -> tuple[np.ndarray, np.ndarray]:
        size = self.closing.customers.size
        return np.array([self.row], np.int32), np.full(size, self.since, np.int32)
