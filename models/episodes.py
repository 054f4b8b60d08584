"""The life of an alert: firing, updated, resolved, retracted or expired; at most one revision a boundary."""

from typing import Final, Literal, NamedTuple

from models.alerting import Telling, build_alert
from models.announcement import evidence_days, first_true_ms, start_score
from models.corroboration import Witnesses, severity_of
from models.customer import NEVER, Customer, Episode
from models.signals.catalogue import Rules, Signal
from models.signals.evaluation import compare
from models.signals.measures import EVERY_FEED, View
from schemas.alert import Status, encode_alert

OutputKind = Literal["alert_open", "alert_closed", "stage", "lesson"]
Bounds = tuple[int, int, int]
"""(until, deaf, feeds) as in `evaluation.Truth`: until when a signal stays as it is by silence, and by news."""


ALERTS: Final = ("alert_open", "alert_closed")
"""Kinds of output that are revisions of alerts."""


class Output(NamedTuple):
    """Something to publish: its kind, the id it is known by, and its bytes."""

    kind: OutputKind
    ref: str
    payload: bytes


class Judge:
    """One customer at one boundary: carries every signal over it and tells what changed."""

    __slots__ = ("alerts_from_ms", "customer", "customer_id", "outputs", "rules", "told", "view")

    def __init__(self, rules: Rules, customer: Customer, customer_id: str, view: View, alerts_from_ms: int) -> None:
        self.rules, self.customer, self.customer_id, self.view = rules, customer, customer_id, view
        self.alerts_from_ms = alerts_from_ms
        self.outputs: list[Output] = []
        self.told: list[tuple[Signal, Telling]] = []
        """Revisions that wait for the end of the review: only then is it known which alerts are open together."""

    def judge(self, signal: Signal) -> Bounds:
        """Carry one signal over the boundary; answers until when it stays as it is."""
        if signal.announced_feed is not None:
            begun = self._decide_announced(signal)
            if signal.id not in self.customer.episodes:
                return NEVER, NEVER, 0  # what can begin one is heard in any case, see `Engine.may_announce`
            return self._carry_on(signal, begun)
        if signal.id in self.customer.episodes:
            bounds = self._carry_on(signal, None)
            if signal.id in self.customer.episodes:
                return bounds
        return self._maybe_fire(signal)

    # -- beginnings

    def _decide_announced(self, signal: Signal) -> Status | None:
        """Confirm what was announced on the day just closed, begin what was not, retract what turned out otherwise."""
        customer, boundary = self.customer, self.view.boundary
        day = boundary - 1
        known = customer.announced.get(signal.id, [])
        begun: Status | None = None
        if signal.id not in customer.episodes and (customer.has_late or evidence_days(signal, customer, day, day)):
            score = start_score(signal, self.view, customer.cooling.get(signal.id))
            if score is not None:
                begun = "updated" if day in known else "firing"
                observed_ms = first_true_ms(signal, customer, day, self.view.basis)
                self._begin(signal, day, score, observed_ms, revision=2 if day in known else 1)
        if known:
            for start in known:
                if start <= day and not self._is_open(signal, start):
                    self._retract(signal, start)
            later = [start for start in known if start > day]
            customer.announced.pop(signal.id)
            if later:
                customer.announced[signal.id] = later
        return begun

    def _is_open(self, signal: Signal, start: int) -> bool:
        episode = self.customer.episodes.get(signal.id)
        return episode is not None and episode.start == start

    def _maybe_fire(self, signal: Signal) -> Bounds:
        """Begin an episode if the condition has held for long enough and the cool-down allows it."""
        holds, until, deaf, feeds = signal.when.condition.holds(self.view)
        if holds is not True:
            self.customer.holding.pop(signal.id, None)
            return until, deaf, feeds
        waits_until = self._wait(signal, until)
        if waits_until is not None:
            return waits_until, 0, EVERY_FEED
        del self.customer.holding[signal.id]
        start, view = self.view.boundary, self.view
        self._begin(signal, start, signal.score.read(view), view.basis.calendar.start_of(start), revision=1)
        return self._carry_on(signal, "firing")

    def _wait(self, signal: Signal, until: int) -> int | None:
        """Until when persistence or cool-down keep a condition that is true from firing; None when nothing does."""
        customer, view = self.customer, self.view
        boundary = view.boundary
        ready = customer.holding.setdefault(signal.id, boundary) + signal.persistence - 1
        if boundary < ready:
            return min(until, ready)
        cooled = customer.cooling.get(signal.id)
        if cooled is not None and boundary < (rested := cooled[0] + max(1, signal.cooldown_days)):
            if cooled[0] == boundary:
                return boundary + 1
            if not signal.score.is_worse(signal.score.read(view), cooled[1]):
                return min(until, rested, self._worse_from(signal, cooled[1]))
        return None

    def _begin(self, signal: Signal, start: int, score: float | None, observed_ms: int, *, revision: int) -> None:
        """Open an episode; the `_carry_on` that follows tells it, and may already see its end."""
        self.customer.episodes[signal.id] = Episode(
            start, revision, signal.severity, score, self.customer.stage, signal.owner, observed_ms, score
        )

    # -- the open episode

    def _carry_on(self, signal: Signal, begun: Status | None) -> Bounds:
        """Begun, ended, expired, updated or left alone; answers until when."""
        view, stage = self.view, self.customer.stage
        episode = self.customer.episodes[signal.id]
        view.since = episode.start
        over, until, deaf, feeds = signal.ends.condition.holds(view)
        expiry = NEVER if signal.expires_days is None else episode.start + signal.expires_days
        may_end = episode.start < view.boundary
        if may_end and (over or view.boundary >= expiry):
            episode.revision += begun is None
            self._end(signal, episode, "resolved" if over else "expired")
            return NEVER, 0, EVERY_FEED
        score = signal.score.read(view)
        is_worse = signal.score.is_worse(score, episode.score)
        severity = severity_of(signal, episode.corroborated_by)
        if begun is not None:
            self._tell(signal, begun, episode)
        elif is_worse or episode.stage != stage or episode.owner != signal.owner or episode.severity != severity:
            episode.score = score if is_worse else episode.score
            episode.stage, episode.owner, episode.severity = stage, signal.owner, severity
            episode.revision += 1
            self._tell(signal, "updated", episode)
        if over and not may_end:
            return view.boundary + 1, 0, EVERY_FEED
        until = min(until, expiry, self._worse_from(signal, episode.score))
        worsened_by = signal.score.worsened_by
        return until, view.boundary + 1 if worsened_by else deaf, feeds | worsened_by

    def _worse_from(self, signal: Signal, score: float | None) -> int:
        """The first boundary at which silence can have made the score worse by the margin."""
        if score is None:
            return NEVER
        rule = signal.score
        op, limit = (">", score + rule.margin) if rule.worse == "higher" else ("<", score - rule.margin)
        op += "=" if rule.margin else ""
        reading = rule.term.term.read(self.view)
        boundary = self.view.boundary
        return compare(op, reading, (limit, NEVER), boundary, left_is_clock=rule.term.term.is_clock)[1]

    def _end(self, signal: Signal, episode: Episode, status: Status) -> None:
        del self.customer.episodes[signal.id]
        episode.stage = self.customer.stage
        self.customer.cooling[signal.id] = (self.view.boundary, episode.initial)
        self._tell(signal, status, episode, ends_ms=self.view.basis.calendar.start_of(self.view.boundary))

    def _retract(self, signal: Signal, start: int) -> None:
        """Take back an announcement that the review does not confirm."""
        observed_ms = self.view.basis.calendar.start_of(self.view.boundary)
        stage = self.customer.stage
        episode = Episode(start, 2, signal.severity, None, stage, signal.owner, observed_ms, None)
        self._tell(signal, "retracted", episode, ends_ms=observed_ms)

    def _tell(self, signal: Signal, status: Status, episode: Episode, ends_ms: int | None = None) -> None:
        self.told.append((signal, Telling(self.customer_id, status, episode, ends_ms, self.alerts_from_ms)))

    # -- the end of the review

    def conclude(self, witnesses: Witnesses, *, is_anew: bool) -> None:
        """Weigh the open alerts against each other, then publish what is to be told.

        Without news of an alert there is nothing to weigh, unless everything is judged anew: by another catalogue, say.
        """
        if self.told or is_anew:
            self._corroborate(witnesses)
            self.outputs += [publish(self.rules, signal, self.view, telling) for signal, telling in self.told]

    def _corroborate(self, witnesses: Witnesses) -> None:
        """Raise to critical who is corroborated from now on, and take back who no longer is, in one revision each."""
        episodes = self.customer.episodes
        if len(episodes) < 2 and not any(episode.corroborated_by for episode in episodes.values()):
            return
        told = {(signal.id, telling.episode.start) for signal, telling in self.told}
        for signal in self.rules.signals:
            episode = episodes.get(signal.id)
            if episode is None:
                continue
            found = tuple(sorted([name for name in witnesses.get(signal.id, ()) if name in episodes]))
            if found != episode.corroborated_by:
                episode.corroborated_by, episode.severity = found, severity_of(signal, found)
                if (signal.id, episode.start) not in told:
                    episode.revision += 1
                    self._tell(signal, "updated", episode)


def publish(rules: Rules, signal: Signal, view: View, telling: Telling) -> Output:
    """The alert as an output; a closed one also removes the customer's open alert from the table of open ones."""
    view.since = telling.episode.start
    alert = build_alert(rules, signal, view, telling)
    kind: OutputKind = "alert_open" if alert.is_open else "alert_closed"
    return Output(kind, alert.alert_id, encode_alert(alert))
