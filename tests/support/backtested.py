"""What a backtest says a learner must have learned."""

from __future__ import annotations

from models.catalogue.rules import Rules
from models.learning.backtest import Backtest, Plan
from models.learning.histories import fold_history
from schemas.event import Event
from schemas.model import CommitteeV1


def backtested(rules: Rules, events: list[Event]) -> dict[str, CommitteeV1]:
    """The committee as of each snapshot day from the first labels on, by date, as `backtest` has it."""
    learning, calendar = rules.basis.learning, rules.basis.calendar
    assert learning is not None
    assert learning.anchor is not None
    folded = fold_history(events, rules.basis)
    plan = Plan(learning.question, learning.anchor, learning.anchor, folded.last_day, prior=learning.prior)
    backtest = Backtest(folded, plan)
    found = {}
    for boundary in backtest.run():
        if boundary in plan.snapshots and backtest.committee.boundary >= 0:
            found[calendar.text_of(boundary)] = backtest.committee.to_state()
    return found
