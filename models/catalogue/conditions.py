"""Conditions that expressions compile to. A condition keeps those customers of whom it is true.

It also answers for one customer from the buckets of one feed (`is_true`). Comparisons with something unknown are not
true; the language has no negation.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.catalogue.terms import Constant, Evening, Term, both_known, joined, turned
from models.customers.arrays import NO_ROWS, Ints, Rows, Selection, among
from models.customers.stages import ACTIVE, NEW, REACTIVATED
from models.measures.as_of import AsOf
from models.measures.scalars import STAGE

RELATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


class Condition(ABC):
    """A compiled condition."""

    is_dear = False
    returns: frozenset[int] = frozenset()
    """What the customer must have been active in when it came true of a return: feeds, ALL_FEEDS or STAGE; none where
    it comes true of something else."""
    is_silence = False
    """Whether mere silence makes it come true."""

    @property
    def alternatives(self) -> "Sequence[Condition]":
        """Conditions of which one must be true."""
        return (self,)

    @abstractmethod
    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:
        """The customers, out of those chosen and in their order, of whom it is true."""

    @abstractmethod
    def is_true(self, evening: Evening) -> bool:
        """Whether it is true of one customer by one feed alone."""

    @abstractmethod
    def terms(self) -> Iterator[Term]:
        """All that it compares."""


class Never(Condition):
    """The condition that does not come true."""

    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:  # noqa: ARG002 - whatever is looked at
        """Nobody."""
        return np.empty(0, np.int32)

    def is_true(self, evening: Evening) -> bool:  # noqa: ARG002 - as above
        """It is not."""
        return False

    def terms(self) -> Iterator[Term]:
        """None."""
        return iter(())


class Comparison(Condition):
    """Any two terms."""

    def __init__(self, op: str, left: Term, right: Term) -> None:
        self.op, self.left, self.right = op, left, right
        self._relation = RELATIONS[op]
        self.is_dear = left.is_dear or right.is_dear
        self.returns = _stage_returns(op, left, right) if left.is_stage else _returns(op, left, right)
        self.is_silence = (left.is_clock or right.is_clock) and _direction(left, right) == -_WANTED[op]

    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:
        """Those known to compare so."""
        (a, a_known), (b, b_known) = self.left.read(as_of, chosen, starts), self.right.read(as_of, chosen, starts)
        known = both_known(a_known, b_known)
        holds = self._relation(a, b)
        return as_of.kept(chosen, holds if known is None else holds & known)

    def is_true(self, evening: Evening) -> bool:
        """Whether both are known and compare so."""
        a, b = self.left.value(evening), self.right.value(evening)
        return a is not None and b is not None and bool(self._relation(a, b))

    def terms(self) -> Iterator[Term]:
        """Both sides."""
        yield self.left
        yield self.right


class _Parts(Condition):
    """Several conditions; those that are dear come last."""

    def __init__(self, parts: Sequence[Condition]) -> None:
        self.parts = sorted(parts, key=lambda part: part.is_dear)
        self.is_dear = any(part.is_dear for part in parts)
        self.returns = frozenset().union(*(part.returns for part in parts))
        self.is_silence = any(part.is_silence for part in parts)

    def terms(self) -> Iterator[Term]:
        """Those of all parts."""
        for part in self.parts:
            yield from part.terms()


class AllOf(_Parts):
    """True where all parts are. What is dear is asked last, of who is left."""

    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:
        """Those left by one part after the other."""
        for part in self.parts:
            chosen = part.where(as_of, chosen, starts)
            if not len(chosen):
                break
        return as_of.rows(chosen)

    def is_true(self, evening: Evening) -> bool:
        """Whether all are."""
        return all(part.is_true(evening) for part in self.parts)


class AnyOf(_Parts):
    """True where one part is."""

    @property
    def alternatives(self) -> Sequence[Condition]:
        """Those of all parts."""
        return [one for part in self.parts for one in part.alternatives]

    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:
        """Those that any part keeps; what is dear is asked of who is left by the parts before it."""
        found: list[Rows] = []
        for part in self.parts:
            if part.is_dear and found:
                rest = as_of.rows(chosen)
                chosen = rest[~among(rest, np.unique(np.concatenate(found)))]
            kept = part.where(as_of, chosen, starts)
            if len(kept):
                found.append(kept)
        return np.unique(np.concatenate(found)) if len(found) > 1 else found[0] if found else NO_ROWS

    def is_true(self, evening: Evening) -> bool:
        """Whether one is."""
        return any(part.is_true(evening) for part in self.parts)


_WANTED: Final = {">": 1, ">=": 1, "!=": 1, "<": -1, "<=": -1, "==": -1}
"""The direction in which a comparison comes true: `days_since_login == 0` comes of a login."""


def _direction(left: Term, right: Term) -> int:
    return joined(left.direction, turned(right.direction))


def _returns(op: str, left: Term, right: Term) -> frozenset[int]:
    """The feeds of both sides, where the customer's activity makes a comparison come true."""
    return left.feeds | right.feeds if _direction(left, right) == _WANTED[op] else frozenset()


def _stage_returns(op: str, left: Term, right: Term) -> frozenset[int]:
    """The stage, where the customer is there by it, or in none of those of silence any more."""
    names = [one.number for one in (left, right) if isinstance(one, Constant)]
    is_there = len(names) == 1 and (names[0] in (NEW, ACTIVE, REACTIVATED)) == (op == "==")
    return frozenset((STAGE,)) if is_there else frozenset()
