"""The engine driven as a deployment may: frames of any size, reviews in parts, put away and taken up in between."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from unittest.mock import patch

import numpy as np

from models.catalogue.rules import Rules
from models.config import Learning
from models.customers.arrays import Rows
from models.customers.customers import Customers
from models.engine.arrivals import Arrival
from models.engine.ledger import COMMANDS, MOVED
from models.engine.partition import Partition
from models.engine.replay import canonical_states
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from models.scoring.scoring import Scoring
from models.scoring.version import Version
from reference.life import Risks
from reference.run import Moment, Outcome
from reference.telling import MODEL_VERSION
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import FEEDS, Event
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.stage import StageChangeV1
from schemas.suppressed import SuppressedV1


def engine_outcome(
    moments: Sequence[Moment],
    until_ms: int | None,
    risks: Risks | None,
    seed: int,
    made: type[Driven] | None = None,
) -> Outcome:
    """What the engine publishes and knows of the same events and changes of the catalogue; the seed says how driven."""
    scoring = Scoring if risks is None else partial(GivenScores, given=risks)
    with patch("models.engine.review.Scoring", scoring):
        driven = (made or Driven)(moments[0].rules, random.Random(seed))
        for event, rules, verdict, _, _, _, command in moments:
            if rules is not driven.partition.rules:
                driven.restart(rules)
            if (content := event or command) is not None:
                driven.take(content, is_late=verdict == "applied late")
        return driven.finish(until_ms)


class Driven:
    """One partition at work; dice decide how large frames are and what happens between them."""

    def __init__(self, rules: Rules, dice: random.Random) -> None:
        self.partition = Partition(rules, limit_dead_letters=False)
        self.partition.spreads = dice.random() < 0.5
        self._dice = dice
        self._restarts = dice.choice((0.0, 0.0, 0.02, 0.1))
        self._longest = dice.choice((1, 3, 20, 200))
        self._offsets = [0] * (MOVED + 1)
        self._frame: list[Arrival] = []
        self._messages: list[Message] = []
        self.partition.versions = self.version_of

    def version_of(self, _boundary: int) -> Version | None:
        """The version of the model in force when a boundary is passed."""
        return None

    @property
    def told(self) -> list[Message]:
        """Everything that was decided until now."""
        return self._messages

    def take(self, content: Event | Command, *, is_late: bool) -> None:
        """Take an event or a command. How late ones are depends on when reviews are made: before them nobody waits."""
        if is_late:
            self._flush()
            self.partition.go_on()
        place = content.feed if isinstance(content, Event) else COMMANDS
        self._frame.append(Arrival(place, self._offsets[place], content))
        self._offsets[place] += 1
        if len(self._frame) >= self._dice.randint(1, self._longest):
            self._flush()
            self.partition.go_on(self._dice.choice((0, 1, 1, 2)))
            if self._dice.random() < self._restarts:
                self.restart(self.partition.rules)

    def restart(self, rules: Rules) -> None:
        """Put the partition away and take it up again, maybe by another catalogue."""
        self._flush()
        self.partition.go_on()
        self._messages += self.partition.drain()
        spreads = self.partition.spreads
        self.partition = load(freeze(self.partition).to_bytes(), rules, limit_dead_letters=False)
        self.partition.spreads, self.partition.versions = spreads, self.version_of

    def finish(self, until_ms: int | None) -> Outcome:
        """Everything decided, the clocks lifted to an instant."""
        self._flush()
        if until_ms is not None:
            self.partition.lift(until_ms, range(len(FEEDS)))
        self.partition.go_on()
        self._messages += self.partition.drain()
        return Outcome(
            [one for one in self._messages if isinstance(one, AlertV1)],
            [one for one in self._messages if isinstance(one, StageChangeV1)],
            [one for one in self._messages if isinstance(one, ReceiptV1)],
            [one for one in self._messages if isinstance(one, SuppressedV1)],
            [one for one in self._messages if isinstance(one, OutcomeV1)],
            {state["customer_id"]: state for state in canonical_states(self.partition)},
        )

    def _flush(self) -> None:
        self.partition.observe(self._frame)
        self._frame = []
        self._messages += self.partition.drain()


class GivenScores(Scoring):
    """Scores that are given instead of computed."""

    def __init__(self, customers: Customers, learning: Learning, given: Risks) -> None:
        super().__init__(customers, learning)
        self._given = given

    def _take(self, rows: Rows, version: Version | None) -> None:
        super()._take(rows, version)
        boundary, ids = self._customers.boundary, self._customers.roster.ids
        found = [(row, *score) for row in rows.tolist() if (score := self._given(ids[row], boundary))]
        table = np.array(found, np.float64).reshape(-1, 3)
        self.risks.give(table[:, 0].astype(np.int32), table[:, 1], table[:, 2], self._number_of(MODEL_VERSION))
