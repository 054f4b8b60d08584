"""How right what people are asked to do is, on simulated customers; `--help` says with what options.

Every owner is a team of two who can look after twenty customers a day each. An entry is a customer put on an owner's
list; it is right if one of its reasons shows what is truly so.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from models.catalogue.rules import Rules, Team, sending_all, without_model
from models.detection.scores import JUDGED
from models.detection.truth import Truth
from models.digests.lists import Lists
from models.engine.learning_replay import LearningReplay
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1
from schemas.digest import DigestV1
from schemas.instant import from_rfc3339
from schemas.reviewed import is_told
from schemas.stage import StageChangeV1
from streams.files.catalogue_file import load_rules
from streams.settings import Settings
from streams.simulation.population import World, simulate_some

START_MS: Final = from_rfc3339("2026-01-01T00:00:00Z")
TEAM: Final = Team(people=2, alerts_a_day=20)
DRAINED_EVERY: Final = 20_000


@dataclass
class Seen:
    """What was decided of a world: first revisions, when customers became dormant, and the owners' lists."""

    alerts: dict[str, AlertV1] = field(default_factory=dict)
    dormant: dict[str, list[int]] = field(default_factory=dict)
    entries: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """Owner, day, and the alerts of a customer put on the list."""
    listed: set[str] = field(default_factory=set)
    waited: set[str] = field(default_factory=set)

    def take(self, messages: Iterable[Message], lists: Lists, owners: Container[str]) -> None:
        """Take what was decided, and the digests of the owners of signals that the lists make of it."""
        for message in messages:
            if isinstance(message, StageChangeV1) and message.to_stage == "dormant":
                self.dormant.setdefault(message.customer_id, []).append(from_rfc3339(message.at))
            elif isinstance(message, AlertV1):
                self.alerts.setdefault(message.alert_id, message)
            if is_told(message):
                for digest in (digest for day in lists.follow(message) for digest in day.digests):
                    if digest.owner in owners:
                        self._note(digest)

    def _note(self, digest: DigestV1) -> None:
        for line in digest.new:
            self.entries.append((digest.owner, digest.at[:10], tuple(one.alert_id for one in line.alerts)))
        self.listed.update(one.alert_id for line in (*digest.new, *digest.open) for one in line.alerts)
        self.waited.update(one.alert_id for line in digest.waiting for one in line.alerts)


def look(world: World, rules: Rules) -> tuple[Seen, list[Truth]]:
    """Run the engine and the lists over a world, and a learner where there is a model to learn."""
    events, truths = simulate_some(world, range(world.customers))
    engine = Replay(rules, 1) if rules.basis.learning is None else LearningReplay(rules, 1)
    lists, seen = Lists(rules, 1), Seen()
    owners = {signal.owner for signal in rules.signals}
    for number, event in enumerate(events):
        engine.take(event)
        if number % DRAINED_EVERY == 0:
            seen.take(engine.drain(), lists, owners)
    engine.until(world.end_ms + rules.basis.disorder_ms)
    seen.take(engine.drain(), lists, owners)
    return seen, truths


class Judge:
    """Holds alerts against the truth."""

    def __init__(self, seen: Seen, truths: Sequence[Truth]) -> None:
        self.seen, self.truths = seen, {one.customer_id: one for one in truths}

    def is_judged(self, name: str) -> bool:
        """Whether an alert can be right or wrong about these customers at all."""
        return self.seen.alerts[name].signal in JUDGED

    def is_right(self, name: str) -> bool:
        """Whether something is truly so that the alert's signal shows."""
        alert = self.seen.alerts[name]
        at_ms = from_rfc3339(alert.observed_at)
        return any(sign.is_shown_by(alert.signal, at_ms) for sign in self.truths[alert.customer_id].signs)

    def share(self, names: Sequence[str]) -> str:
        """How many are right."""
        judged = [name for name in names if self.is_judged(name)]
        return f"{sum(map(self.is_right, judged)) / len(judged):.1%} of {len(judged):,}" if judged else "none"

    def reached(self, names: Sequence[str]) -> tuple[int, int, int]:
        """Of the fading: how many there are, found at all by a right alert, and found before they were dormant."""
        first: dict[str, int] = {}
        for name in names:
            if self.is_judged(name) and self.is_right(name):
                alert = self.seen.alerts[name]
                at_ms = from_rfc3339(alert.observed_at)
                first[alert.customer_id] = min(at_ms, first.get(alert.customer_id, at_ms))
        fading = [one for one in self.truths.values() if one.kind == "fading"]
        before = 0
        for one in fading:
            left_ms = one.leaves_at_ms or 0
            dormant = next((at for at in self.seen.dormant.get(one.customer_id, ()) if at >= left_ms), None)
            before += one.customer_id in first and (dormant is None or first[one.customer_id] < dormant)
        return len(fading), sum(one.customer_id in first for one in fading), before


def lines(judge: Judge, days: int) -> Iterator[str]:
    """The report."""
    seen = judge.seen
    negative = [name for name, one in seen.alerts.items() if one.polarity == "negative"]
    listed = [name for name in negative if name in seen.listed]
    yield f"alerts sent: {judge.share(negative)} right; on lists: {judge.share(listed)}"
    yield f"only ever without room: {judge.share([name for name in negative if name in seen.waited - seen.listed])}"
    entries = [one for one in seen.entries if any(map(judge.is_judged, one[2]))]
    right = [one for one in entries if any(map(judge.is_right, one[2]))]
    yield f"entries: {len(right) / max(1, len(entries)):.1%} of {len(entries):,} right"
    for owner in sorted({one[0] for one in entries}):
        own = [one for one in entries if one[0] == owner]
        a_day = sorted(Counter(day for _, day, _ in own).values())
        a_day = [0] * (days - len(a_day)) + a_day
        share = sum(any(map(judge.is_right, names)) for _, _, names in own) / len(own)
        yield f"  {owner}: {a_day[days // 2]} a day, {a_day[days * 95 // 100]} on a busy one, {share:.1%} right"
    wrong = Counter(_kind(judge, one) for one in entries if one not in right)
    kinds = Counter(one.kind for one in judge.truths.values())
    yield "wrong entries a customer and year: " + _by_kind(wrong, kinds, days)
    false = [name for name in negative if judge.is_judged(name) and not judge.is_right(name)]
    wrong = Counter(judge.truths[seen.alerts[name].customer_id].kind for name in false)
    yield "wrong alerts a customer and year: " + _by_kind(wrong, kinds, days)
    for what, names in (("sent", negative), ("on lists", listed)):
        count, found, before = judge.reached(names)
        yield f"of {count} fading {found} are found, {before} before they are dormant ({what})"


def _kind(judge: Judge, entry: tuple[str, str, tuple[str, ...]]) -> str:
    return judge.truths[judge.seen.alerts[entry[2][0]].customer_id].kind


def _by_kind(counts: Mapping[str, int], kinds: Mapping[str, int], days: int) -> str:
    return ", ".join(f"{kind} {count / kinds[kind] * 365 / days:.2f}" for kind, count in Counter(counts).most_common())


def main() -> None:
    """Print the report of a world, with and without what holds alerts back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--catalogue", type=Path, help="without it the one in the product")
    parser.add_argument("--learn", action="store_true", help="learn the model on the way, and let constants run")
    given = parser.parse_args()
    world = World(given.customers, given.days, given.seed, START_MS)
    rules = load_rules(Settings().replace(catalogue=given.catalogue))
    rules = rules if given.learn else without_model(rules)
    owners = {signal.owner for signal in rules.signals} | set(rules.escalates_to.values())
    rules = replace(rules, teams=dict.fromkeys(owners, TEAM))
    for title, own in (("as the catalogue says", rules), ("nobody held out or capped", sending_all(rules))):
        print(f"== {title}: {given.customers:,} customers, {given.days} days, seed {given.seed}")
        for line in lines(Judge(*look(world, own)), given.days):
            print(line, flush=True)


if __name__ == "__main__":
    main()
