"""Companies of many customers made out of few, for the benchmarks: like those they were made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from benchmarks.companies import make_company
from benchmarks.engine_alone import END_MS, run
from benchmarks.load import DAY_MS, DAYS, EVENTS_EACH, make_load, write_load
from benchmarks.midnight import Midnight, snapshot_of
from models.catalogue.rules import Rules, sending_all, without_outages
from models.engine.partition import Partition
from models.engine.population import population_of
from models.engine.snapshot import load
from models.scoring.snapshots import weekday_of
from schemas.event import FEEDS
from schemas.reviewed import ReviewedV1
from streams.files.catalogue_file import load_rules
from streams.settings import Settings
from support.workers import RULES_ONLY, WITH_MODEL


@pytest.mark.parametrize("catalogue", ["rules-only", "default"])
def test_a_company_made_of_few_customers_is_like_them(tmp_path: Path, catalogue: str) -> None:
    """As many in each stage, with as many open alerts, and so they go on."""
    file = RULES_ONLY if catalogue == "rules-only" else WITH_MODEL
    settings = Settings(partitions=1, catalogue=Path(file))
    rules, templates = without_outages(sending_all(load_rules(settings))), tmp_path / "templates"
    run(write_load(make_load(40), tmp_path / "load.tsv"), settings, tmp_path / "alerts.jsonl", templates)
    company = make_company(templates, rules, 400, tmp_path / "company")
    few = load(msgspec.msgpack.decode(templates.read_bytes(), type=list[bytes])[0], rules)
    many = load(snapshot_of(company.folder, 0).read_bytes(), rules)
    assert (few.customers.size, many.customers.size) == (40, 400)
    assert sorted(set(many.customers.roster.ids)) == [f"customer-{number:07}" for number in range(400)]
    assert company.boundary == many.boundary == few.boundary
    if catalogue == "rules-only":  # with the model only customers of one snapshot day stand for each other
        for partition in (few, many):
            partition.lift(END_MS + 10 * DAY_MS, range(len(FEEDS)))
        one, ten = population_of(few), population_of(many)
        assert ten.customers == Counter({stage: 10 * count for stage, count in one.customers.items()})
        assert ten.open_alerts == Counter({alert: 10 * count for alert, count in one.open_alerts.items()})
        told, tenfold = ([one for one in of.drain() if not isinstance(one, ReviewedV1)] for of in (few, many))
        assert len(tenfold) == 10 * len(told) > 0
    else:
        kept = days_of_snapshots(many, rules)
        assert kept == days_of_snapshots(few, rules) != set()
        assert all(taken == own for taken, own in kept)
    figures = Midnight(settings, company.folder).run()
    assert figures.customers == 400
    assert figures.events == 400 * EVENTS_EACH // DAYS
    assert figures.outputs > 0


def days_of_snapshots(partition: Partition, rules: Rules) -> set[tuple[int, int]]:
    """When snapshots that wait for labels were taken, and when those of their customers are, by day of the step."""
    learning, scoring = rules.basis.learning, partition.review.scoring
    assert learning is not None
    assert scoring is not None
    ids = partition.customers.roster.ids
    return {
        (day % learning.step_days, weekday_of(ids[row], learning))
        for day, taken in scoring.pending.newest_first()
        for row in taken.rows.tolist()
    }
