"""Customers who react to being told, with a known effect, and what the outcomes say of it."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import fmean

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.uplift import SignalUplift, uplift
from schemas.alert import AlertV1
from schemas.event import PURCHASE
from schemas.instant import from_rfc3339
from schemas.reviewed import ReviewedV1
from schemas.suppressed import SuppressedV1
from streams.simulation.population import World, simulate
from streams.simulation.reacting import Reacted, Trial, react
from support.program import run
from support.tries import tries
from support.troubled import catalogue

HOLDOUT = 0.3
HORIZON = 30
SIGNALS = ("loyal_gone_silent", "first_purchase_only")
"""Of customers who have bought: what brings them back is a purchase."""
SEEDS = 100 if tries(100) == 100 else 10
"""A tenth every day, all with --full."""


def rules_of(salt: str) -> Rules:
    own = catalogue() | {
        "experiment": {"holdout": HOLDOUT, "salt": salt},
        "model": {"horizon_days": HORIZON, "risk_set_days": 2 * HORIZON},
    }
    own["signals"] = {name: own["signals"][name] for name in SIGNALS}
    return build_rules(own)


class Lived:
    """A world whose customers reacted, and what would have come of each trial in either arm."""

    def __init__(self, seed: int, effect: float) -> None:
        self.world = World(300, 200, seed, from_rfc3339("2026-01-01T00:00:00Z"))
        self.rules = rules_of(f"salt {seed}")
        self.found: Reacted = react(self.world, simulate(self.world)[0], self.rules, effect)
        because = {one.id: alert_id for alert_id, own in self.found.reactions.items() for one in own}
        self._bought: dict[str, set[tuple[int, str | None]]] = defaultdict(set)
        for one in self.found.events:
            if one.feed == PURCHASE:
                day = self.rules.basis.calendar.day_of(one.time_ms)
                self._bought[one.customer_id].add((day, because.get(one.id)))
        over = {one.alert_id for one in self.found.outcomes}
        self.over = [trial for trial in self.found.trials if trial.alert_id in over]

    def alone(self, trial: Trial) -> bool:
        """Whether the customer comes back though nobody tells."""
        return any(
            trial.start <= day < trial.end and because != trial.alert_id
            for day, because in self._bought[trial.customer_id]
        )

    def told(self, trial: Trial) -> bool:
        """Whether the customer comes back when told."""
        return trial.reacts or self.alone(trial)

    def truth(self, signal: str) -> float:
        """What telling would add, over all trials of both arms."""
        return fmean(self.told(one) - self.alone(one) for one in self.over if one.signal == signal)


@cache
def lived(seed: int, effect: float = 0.3) -> Lived:
    return Lived(seed, effect)


def judged(one: Lived) -> tuple[SignalUplift, ...]:
    found = uplift(one.found.outcomes).signals
    assert {of.signal for of in found} == set(SIGNALS)
    return found


def test_intervals_hold_the_effect_that_is_known_in_nine_of_ten_worlds() -> None:
    held = dict.fromkeys(SIGNALS, 0)
    errors: list[float] = []
    for seed in range(SEEDS):
        for of in judged(lived(seed)):
            assert of.difference is not None
            truth = lived(seed).truth(of.signal)
            errors.append(of.difference.uplift - truth)
            held[of.signal] += of.difference.low <= truth <= of.difference.high
    assert min(held.values()) >= 0.9 * SEEDS - (SEEDS < 100), held
    assert abs(fmean(errors)) < 0.25 / len(errors) ** 0.5, "no side is favoured"


def test_what_came_of_each_trial_is_what_its_arm_makes_of_it() -> None:
    for seed in range(tries(12)):
        one = lived(seed)
        outcomes = {of.alert_id: of for of in one.found.outcomes}
        assert len(outcomes) == len(one.found.outcomes) == len(one.over)
        for trial in one.over:
            expected = one.told(trial) if trial.arm == "treated" else one.alone(trial)
            assert outcomes[trial.alert_id].came_back == expected
        held = sum(trial.arm == "holdout" for trial in one.found.trials)
        assert abs(held / len(one.found.trials) - HOLDOUT) < 0.17


def test_nothing_is_sent_of_who_is_held_out_and_nobody_of_them_reacts() -> None:
    for seed in range(tries(12)):
        found = lived(seed).found
        held = {trial.alert_id for trial in found.trials if trial.arm == "holdout"}
        sent = [one for one in found.decided if isinstance(one, AlertV1)]
        assert held
        assert held.isdisjoint(one.alert_id for one in sent)
        assert held.isdisjoint(found.reactions)
        assert {one.arm for one in sent} <= {"treated", None}
        windows = [trial for trial in found.trials if trial.arm == "holdout"]
        for trial in windows:  # nor of a further alert within the trial
            assert not [
                one for one in sent
                if (one.customer_id, one.signal) == (trial.customer_id, trial.signal)
                and trial.start <= lived(seed).rules.basis.calendar.day_of(from_rfc3339(one.observed_at)) < trial.end
                and one.status == "firing"
            ]  # fmt: skip
        assert held <= {one.alert.alert_id for one in found.decided if isinstance(one, SuppressedV1)}


def test_without_an_effect_nothing_changes_and_none_is_found() -> None:
    held = 0
    for seed in range(SEEDS // 5):
        one = lived(seed, 0.0)
        assert one.found.events == simulate(one.world)[0]
        assert one.found.reactions == {}
        held += sum(of.verdict == "unsure" for of in judged(one))
    assert held >= 0.8 * len(SIGNALS) * (SEEDS // 5)


def test_a_replay_of_all_events_decides_what_was_decided_on_the_way() -> None:
    one = lived(1)
    engine = Replay(without_model(one.rules), 3)
    for event in one.found.events:
        engine.take(event)
    engine.until(one.world.end_ms + one.rules.basis.disorder_ms)
    again, before = (
        [one for one in of if not isinstance(one, ReviewedV1)] for of in (engine.drain(), one.found.decided)
    )
    assert sorted(map(repr, again)) == sorted(map(repr, before))


def test_the_loop_closes_through_the_commands(tmp_path: Path) -> None:
    events, outcomes = tmp_path / "events.jsonl.gz", tmp_path / "outcomes.jsonl"
    (tmp_path / "mine.yaml").write_text(
        "base: default\nexperiment: {holdout: 0.4}\nmodel: {horizon_days: 20, risk_set_days: 60}\n"
    )
    own = ("--catalogue", str(tmp_path / "mine.yaml"))
    made = run("simulate", "--customers", "300", "--days", "200", "--effect", "0.9", "--out", str(events), *own)
    assert (made.code, "reacted" in made.err) == (0, True)
    assert run("replay", str(events), "--outcomes", str(outcomes), *own).code == 0
    told = run("uplift", str(outcomes), *own)
    assert (told.code, "telling brings back" in told.out) == (0, True)
    (tmp_path / "off.yaml").write_text("base: default\nexperiment: off\n")
    refused = run("simulate", "--customers", "5", "--effect", "0.5", "--catalogue", str(tmp_path / "off.yaml"))
    assert (refused.code, "the catalogue holds nobody out" in refused.err) == (2, True)
