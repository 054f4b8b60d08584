"""What a replay came to, as values: what `replay --json` writes."""

from __future__ import annotations

from collections import Counter

from models.calendar import date_of
from models.catalogue.currencies import amount_of
from models.customers.columns import NEVER
from models.engine.ledger import total_counts
from models.engine.population import Population, population_of
from models.engine.replay import Replay
from schemas.event import PURCHASE
from streams.cli.replay_sinks import Sinks
from streams.files.commands import Spoken
from streams.files.packed_history import Replayed


def summary_of(engine: Replay, sinks: Sinks, events: Replayed) -> dict[str, object]:
    """Who the customers are at the end, what was decided, and what became of each line."""
    population = Population()
    for partition in engine.partitions:
        population += population_of(partition)
    basis = engine.rules.basis
    sells = PURCHASE in basis.feeds
    summary: dict[str, object] = {
        "boundary": basis.calendar.text_of(population.boundary) if population.boundary < NEVER else None,
        "zone": basis.calendar.zone,
        "customers": population.customers.total(),
        "stages": dict(sorted((+population.customers).items())),
        "at_risk_now": population.at_risk,
        "spend_at_risk": amount_of(population.spend_at_risk, basis.currency) if sells else None,
        "value_at_risk": amount_of(population.value_at_risk, basis.currency) if sells else None,
        "spend_capped": population.spend_capped,
        "alerts": len(sinks.ids),
        "revisions": sinks.revisions,
        "suppressed": dict(sorted(sinks.held.items())),
        "decided": sum(partition.review.follow_up.decided for partition in engine.partitions),
        "experiment": _by_first(sinks.experiment),
        "erased": sinks.erased,
        "transitions": sinks.transitions,
        "by_signal": _by_first(sinks.fired),
        "ended": _by_first(sinks.ended),
        "outcomes": total_counts(partition.ledger for partition in engine.partitions),
        "bad_lines": len(events.history.bad),
        "excluded": events.left_out.total(),
        "files": [one.to_dict() for one in events.history.counts],
        "catalogue": engine.rules.hash,
        "then": sorted({(date_of(at - 1), name) for p in engine.partitions for at, name in p.judged_by[1:]}),
    }
    return summary


def became_of_commands(engine: Replay, sinks: Sinks, said: Spoken) -> dict[str, int]:
    """What became of the lines of commands; the numbers add up to them. `repeated` ones were said before."""
    found = {
        "done": sinks.answered["done"],
        "refused": sinks.answered["refused"],
        "waiting": sum(len(partition.inbox.waiting) for partition in engine.partitions),
        "id_conflicts": sum(partition.ledger.commands["dead_lettered"] for partition in engine.partitions),
    }
    return found | {"repeated": len(said.commands) - sum(found.values()), "bad_lines": len(said.bad)}


def _by_first(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (first, what), count in sorted(counts.items()):
        found.setdefault(first, {})[what] = count
    return found


def model_of(engine: Replay) -> dict[str, object]:
    """What was learned on the way."""
    from models.engine.learning_replay import LearningReplay  # River takes a second to import

    assert isinstance(engine, LearningReplay)  # asked for by --learn
    returned, churned = engine.committee.labels
    return {"is_cold": engine.committee.is_cold, "returned": returned, "churned": churned}
