"""A backtest knows at a snapshot what was known then: cut, silence and order of lines change no earlier score."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models.calendar import DAY_MS
from models.customers.columns import NEVER
from models.labels import BINS, Example
from models.learning.backtest import Backtest, stacked
from models.learning.evaluation import report
from models.learning.histories import Folded, fold_history
from models.learning.lead_time import BUDGETS, lead_times
from schemas.model import encode_committee
from support.builders import purchase
from support.shop import BASIS, QUESTION, run_of, shop, whole
from support.troubled import FIRST_DAY

CUTS = (101, 141, 188)
"""Days after the first one at which the past is held against another future; 101 and 141 lie on snapshots."""


Said = dict[tuple[int, str], float]


def said(run: Backtest, until: int) -> Said:
    """Every score up to a boundary, by snapshot and customer."""
    return {
        (frame.snapshot, run.customers[place]): chance
        for frame in run.frames.values()
        if frame.snapshot <= until
        for place, chance in zip(frame.customers.tolist(), frame.chance.tolist(), strict=True)
    }


@pytest.mark.parametrize("cut", CUTS)
def test_a_history_cut_short_gives_the_same_scores_up_to_the_cut(cut: int) -> None:
    until = FIRST_DAY + cut
    known = [event for event in shop() if event.time_ms < until * DAY_MS]
    assert said(run_of(known), until) == said(whole(), until)


@pytest.mark.parametrize("cut", CUTS)
def test_what_half_of_the_customers_do_later_changes_no_score(cut: int) -> None:
    until = FIRST_DAY + cut
    silent = [event for event in shop() if event.time_ms < until * DAY_MS or int(event.customer_id[1:]) % 2]
    other = run_of(silent)
    assert said(other, until) == said(whole(), until)
    assert said(other, NEVER) != said(whole(), NEVER)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_events_changes_nothing(seed: int) -> None:
    shuffled = list(shop())
    random.Random(seed).shuffle(shuffled)
    other = run_of(shuffled)
    assert said(other, NEVER) == said(whole(), NEVER)
    assert encode_committee(other.committee.to_state()) == encode_committee(whole().committee.to_state())
    assert report(other) == report(whole())


class Ahead(Backtest):
    """Closes days before their time."""

    def _close(self, boundary: int) -> None:
        super()._close(boundary + 3)


def test_a_day_closed_before_its_time_would_be_seen() -> None:
    """The sabotage: features that show the future change the scores, so the tests above can fail."""
    truth, run = whole(), run_of(shop(), made=Ahead)
    until = FIRST_DAY + CUTS[0]
    assert said(run, until) != said(truth, until)


def test_exactly_those_at_risk_are_scored() -> None:
    bought: dict[str, list[int]] = {}
    for event in shop():
        bought.setdefault(event.customer_id, []).append(event.time_ms)
    for frame in whole().frames.values():
        at_ms = frame.snapshot * DAY_MS
        expected = [
            customer_id
            for customer_id, times in sorted(bought.items())
            if any(at_ms - QUESTION.risk_set_days * DAY_MS <= time < at_ms for time in times)
        ]
        assert [whole().customers[place] for place in frame.customers.tolist()] == expected
        if frame.churned is not None:
            end_ms = at_ms + QUESTION.horizon_days * DAY_MS
            lost = [not any(at_ms <= time < end_ms for time in bought[customer_id]) for customer_id in expected]
            assert frame.churned.tolist() == lost


def test_what_the_end_of_the_data_overlaps_is_censored() -> None:
    run = whole()
    for frame in run.frames.values():
        assert (frame.churned is None) == (frame.snapshot + QUESTION.horizon_days > run.plan.last_day)
    assert run.committee.boundary <= run.plan.last_day


class Witnessed(Backtest):
    """Keeps what it learned."""

    taken: list[list[Example]]

    def _matured(self, boundary: int) -> list[Example]:
        self.taken.append(super()._matured(boundary))
        return self.taken[-1]


def test_examples_come_in_the_order_in_which_they_are_learned() -> None:
    run = Witnessed(fold_history(shop(), BASIS), replace(whole().plan, step_days=7))
    taken: list[list[Example]] = []
    run.taken = taken
    for _ in run.run():
        pass
    order = [(*each[:3], each.part or BINS + 1) for examples in taken for each in examples]
    assert order == sorted(order)
    assert len(order) == len(set(order))
    assert all(len({each.matured for each in examples}) <= 1 for examples in taken)


def test_it_beats_the_base_rate_on_customers_who_can_be_told_apart() -> None:
    models = {each["model"]: each for each in report(whole())["models"]}
    assert models["committee"]["log_loss"] < models["base_rate"]["log_loss"] - 0.05
    assert models["committee"]["auc"] > 0.7


def test_lead_times_are_those_of_a_recount() -> None:
    run = whole()
    budgets = lead_times(run)
    assert [each.share for each in budgets] == list(BUDGETS)
    assert all(one.alerts <= two.alerts for one, two in pairwise(budgets))
    lapses = set()
    for customer_id, place in zip(run.customers, range(len(run.customers)), strict=True):
        days = [event.time_ms // DAY_MS for event in shop() if event.customer_id == customer_id]
        for day, following in pairwise([*days, NEVER]):
            lapse = day + QUESTION.risk_set_days
            looked = any(
                day < frame.snapshot <= lapse
                for frame in run.frames.values()
                if frame.snapshot >= run.plan.evaluate_from
            )
            if following >= lapse and lapse <= run.plan.last_day and looked:
                lapses.add((place, day))
    assert {each.lapses for each in budgets} == {len(lapses)}
    assert all(each.lead_days is None or 0 <= each.lead_days <= QUESTION.risk_set_days for each in budgets)


def test_rows_are_stacked_in_the_order_of_the_snapshots() -> None:
    chance, experts, baselines, churned = stacked(whole().judged())
    assert len(chance) == len(experts) == len(baselines) == len(churned) == report(whole())["data"]["judged_rows"]
    assert np.isfinite(experts).all()


def test_a_producer_s_duplicate_is_folded_once() -> None:
    twice: Folded = fold_history([*shop(), *shop()[:50]], BASIS)
    assert (twice.events, twice.duplicates) == (len(shop()), 50)
    again = purchase("c1", FIRST_DAY * DAY_MS, currency="USD", id="x")
    much_later = purchase("c1", (FIRST_DAY + 30) * DAY_MS, currency="USD", id="x")
    assert fold_history([again, much_later], BASIS).duplicates == 0
