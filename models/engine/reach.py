"""How far back the rules of a catalogue look."""

from collections.abc import Sequence

from models.catalogue.rules import Rules, Signal
from models.catalogue.terms import Term
from models.measures.windows import Window
from models.scoring.worth import ORDERS, SPENT


def windows_of(rules: Rules) -> set[Window]:
    """Every window that the catalogue asks for, and those of the last year."""
    return {ORDERS, SPENT, *(window for signal in rules.signals for term in signal.terms() for window in term.windows)}


def reach_of(signals: Sequence[Signal], rules: Rules) -> int:
    """How many closed days back the early signals of a feed look."""
    terms: list[Term] = [term for signal in signals for term in signal.terms()]
    lengths = [*(window.length + window.skip for term in terms for window in term.windows)]
    lengths += [term.reach for term in terms]
    return min(max(lengths, default=0), rules.basis.keep_days)
