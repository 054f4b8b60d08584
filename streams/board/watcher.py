"""Looks again and again: workers now, topics for the past, and the looks of the last seconds for the rates."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from schemas.event import FEEDS
from streams.board.board import Board, Deployment, boundary_of, make_board
from streams.board.figures import Look
from streams.board.reading import Follower, look_at
from streams.clock import now_ms
from streams.files.catalogue_file import load_rules
from streams.settings import Settings

RATE_OVER_S: Final = 10.0
"""Rates are of the last ten seconds: frames come in bursts."""


class Watcher:
    """Makes a board whenever asked."""

    def __init__(
        self, settings: Settings, deployment: Deployment, follower: Follower, addresses: Sequence[str]
    ) -> None:
        self._token, self._deployment = settings.metrics_token, deployment
        self._follower, self._addresses = follower, addresses
        self._looks: deque[Look] = deque()

    def look(self) -> Board:
        """The board as it is now."""
        look = look_at(self._addresses, self._token)
        while len(self._looks) > 1 and look.at_s - self._looks[0].at_s > RATE_OVER_S:
            self._looks.popleft()
        earlier = self._looks[0] if self._looks else None
        self._looks.append(look)
        past = self._follower.past(boundary_of(look, None, self._deployment.calendar))
        return make_board(look, earlier, past, self._deployment, now_ms())

    @property
    def newest(self) -> Look:
        """What the workers said when the last board was made."""
        return self._looks[-1]

    def wait_for_history(self, within_s: float) -> None:
        """Return when the topics have been read to their present end, or cannot be, or time is up."""
        self._follower.wait(within_s)


@contextmanager
def watching(settings: Settings, addresses: Sequence[str]) -> Iterator[Watcher]:
    """Watch these workers, and the topics of these settings, while the block runs. Raises SetupError."""
    rules = load_rules(settings)
    feeds = tuple(FEEDS[feed] for feed in rules.basis.feeds)
    held_by = {FEEDS[feed]: rules.held_by(feed) for feed in rules.basis.feeds}
    has_model = rules.basis.learning is not None
    deployment = Deployment(settings.partitions, feeds, rules.basis.calendar, has_model, held_by)
    with Follower(settings, rules) as follower:
        yield Watcher(settings, deployment, follower, addresses)
