"""What a run decided, gathered from all that it publishes: its alerts, and how many fit on the owners' lists."""

from __future__ import annotations

from collections import Counter

from models.catalogue.rules import Rules
from models.digests.lists import Lists
from models.engine.review import Message
from models.what_if.comparison import Listed, Run
from models.what_if.episodes import Episodes
from schemas.alert import AlertV1
from schemas.reviewed import is_told


class Decided:
    """Takes what a replay publishes, in the order in which it does."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        self._rules = rules
        self._episodes, self._lists = Episodes(rules), Lists(rules, partitions, most_lines=0)
        self._listed: dict[str, Listed] = {}

    def take(self, message: Message) -> None:
        """Take a decision."""
        if isinstance(message, AlertV1):
            self._episodes.take(message)
        if not is_told(message):
            return
        for day in self._lists.follow(message):
            for digest in day.digests:
                listed = self._listed.setdefault(digest.owner, Listed(Counter(), Counter()))
                listed.new[day.boundary] += digest.counts.new
                listed.waiting[day.boundary] += digest.counts.waiting

    def until(self, last_day: int) -> Run:
        """All of it; `last_day`: the last midnight as of which everybody was judged."""
        return Run(self._rules, self._episodes.all(), last_day, self._listed)
