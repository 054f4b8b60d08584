"""What a run decided, gathered from all that it publishes: its alerts, and how many fit on the owners' lists."""

from __future__ import annotations

from collections import Counter

from models.catalogue.rules import Rules
from models.digests.lists import Day, Lists
from models.engine.review import Message
from models.what_if.comparison import Listed, Run
from models.what_if.episodes import Episodes
from schemas.alert import AlertV1
from schemas.reviewed import is_told


class RunRecorder:
    """Takes what a replay publishes, in the order in which it does; `lists`: those that are made of it, and of no more.

    Without any they are made here, without lines: all that is asked of them is counts.
    """

    def __init__(self, rules: Rules, partitions: int, lists: Lists | None = None) -> None:
        self._rules, self._episodes = rules, Episodes(rules)
        self._lists = Lists(rules, partitions, most_lines=0) if lists is None else lists
        self._listed: dict[str, Listed] = {}

    def take(self, message: Message) -> list[Day]:
        """Take a decision; the lists of every boundary that is complete by it."""
        if isinstance(message, AlertV1):
            self._episodes.take(message)
        found = [*self._lists.follow(message)] if is_told(message) else []
        for day in found:
            for digest in day.digests:
                listed = self._listed.setdefault(digest.owner, Listed(Counter(), Counter()))
                listed.new[day.boundary] += digest.counts.new
                listed.waiting[day.boundary] += digest.counts.waiting
        return found

    def until(self, last_day: int) -> Run:
        """All of it; `last_day`: the last midnight as of which everybody was judged."""
        return Run(self._rules, self._episodes.all(), last_day, self._listed)
