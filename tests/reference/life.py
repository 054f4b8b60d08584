"""One customer: what is announced at once, and what each boundary decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

from msgspec.structs import replace

from models.signals.catalogue import Rules, Signal
from reference.happened import Happened, notes_of
from reference.language import holds, number
from reference.past import Past, Score
from reference.telling import CLOSED, Episode, alert_of
from schemas.alert import AlertV1, Money, Status
from schemas.stage import StageChangeV1, stage_change_id

Risks = Callable[[str, int], tuple[float, float | None] | None]
"""By customer and boundary, asked on the customer's snapshot days: (risk, rank), or None for no score."""


class Life:
    """A customer from the first event on."""

    def __init__(self, rules: Rules, customer_id: str, alerts_from_ms: int, risks: Risks | None) -> None:
        self.rules, self.basis, self.customer_id = rules, rules.basis, customer_id
        self.alerts_from_ms, self.risks = alerts_from_ms, risks
        self.boundary = -1
        self.seen: list[Happened] = []
        self.scores: list[Score] = []
        self.stage: str | None = None
        self.stage_since = 0
        self.has_late = False
        self.waiting: set[tuple[int, int]] = set()
        self.announced: dict[str, list[int]] = {}
        self.episodes: dict[str, Episode] = {}
        self.holding: dict[str, int] = {}
        self.cooling: dict[str, tuple[int, float | None]] = {}
        self.told: dict[tuple[str, int], tuple[Status, Episode]] = {}
        self.alerts: list[AlertV1] = []
        self.stages: list[StageChangeV1] = []

    # -- days still open

    def take(self, one: Happened, *, is_late: bool) -> None:
        """Apply an event. Announcing waits while an event of an earlier day can still come in the same feed."""
        self.seen.append(one)
        self.has_late |= is_late
        if one.is_evidence and not is_late:
            self.waiting.add((one.event.feed, one.day))

    def release(self, clocks: Sequence[int]) -> None:
        """Announce what waits on days whose midnight the feed's clock has passed by the bound on disorder."""
        for feed, day in sorted(self.waiting):
            if clocks[feed] >= self.basis.calendar.start_of(day) + self.basis.disorder_ms:
                self.waiting.remove((feed, day))
                for signal in self.rules.signals:
                    if signal.announced_feed == feed and day not in self.announced.get(signal.id, []):
                        self._announce(signal, day)

    def _announce(self, signal: Signal, day: int) -> None:
        """Announce the episode that begins on this very day, if the days since the last boundary leave room for one."""
        episode, cooled = self.episodes.get(signal.id), self.cooling.get(signal.id)
        start, initial = (None, None) if episode is None else (episode.start, episode.initial)
        for evening in range(max(self.boundary, min(one.day for one in self.seen)), day + 1):
            past = self._past(evening, start)
            if start is not None and evening > max(start, self.boundary) and self._ending(signal, past, start):
                start, cooled = None, (evening, initial)
            past = self._past(evening + 1)
            if start is None and self._notes(signal, evening) and self._may_begin(signal, past, cooled):
                start, initial = evening, number(signal.score.term.text, past)
                if start == day:
                    episode = self._new(signal, start, initial, self._first_true_ms(signal, day), stage=None)
                    self.announced.setdefault(signal.id, []).append(day)
                    self._publish(signal, self._past(day + 1, day), episode, "firing", by_review=False)

    def _first_true_ms(self, signal: Signal, day: int) -> int:
        """When on an episode's first day its condition became true, by event time; else when the day ended."""
        notes = self._notes(signal, day)
        others = [one for one in self.seen if (one.event.feed, one.day) != (signal.announced_feed, day)]
        for count in range(1, len(notes)):
            if holds(signal.when.text, Past(self.basis, day + 1, others + notes[:count])):
                return notes[count - 1].event.time_ms
        return notes[-1].event.time_ms if notes else self.basis.calendar.start_of(day + 1)

    def _notes(self, signal: Signal, day: int) -> list[Happened]:
        return [] if signal.announced_feed is None else notes_of(self.seen, signal.announced_feed, day)

    # -- a boundary

    def review(self, boundary: int) -> None:
        """Decide everything as of a boundary."""
        self.boundary = boundary
        self._ask_model()
        past = self._past(boundary)
        if past.standing is not None:
            self._change_stage(past, *past.standing)
            for signal in self.rules.signals:
                self._judge(signal, past)
            self._corroborate()
            for signal in self.rules.signals:
                for (name, start), (status, episode) in self.told.items():
                    if name == signal.id:
                        self._publish(signal, self._past(boundary, start), episode, status, by_review=True)
        self.told, self.has_late = {}, False

    def _past(self, boundary: int, since: int | None = None) -> Past:
        return Past(self.basis, boundary, self.seen, self.scores, since)

    def _ask_model(self) -> None:
        """On a snapshot day, one a step, of a customer whose last purchase is recent enough for the question."""
        learning, silent = self.basis.learning, self._past(self.boundary).days_since_purchase
        if learning is None or self.risks is None or silent is None or silent >= learning.question.risk_set_days:
            return
        anchor = crc32(self.customer_id.encode()) if learning.anchor is None else learning.anchor
        is_before = learning.anchor is not None and self.boundary < anchor
        score = self.risks(self.customer_id, self.boundary)
        if (self.boundary - anchor) % learning.step_days == 0 and not is_before and score is not None:
            self.scores = [*self.scores, Score(self.boundary, *score)]

    def _change_stage(self, past: Past, stage: str, silent: int) -> None:
        if stage == self.stage:
            return
        at, calendar = self.basis.calendar.text_of(self.boundary), self.basis.calendar
        self.stages.append(
            StageChangeV1(
                id=stage_change_id(self.customer_id, at),
                customer_id=self.customer_id,
                at=at,
                from_stage=self.stage,
                to_stage=stage,
                cause=f"{silent} days of silence" if silent else "activity",
                days_in_previous=self.boundary - self.stage_since if self.stage else None,
                spend_so_far=Money(past.spend_total or 0.0, self.basis.currency),
                historical=calendar.start_of(self.boundary) < self.alerts_from_ms,
                catalogue=self.rules.hash,
            )
        )
        self.stage, self.stage_since = stage, self.boundary

    def _judge(self, signal: Signal, past: Past) -> None:
        if signal.announced_feed is not None:
            begun = self._decide_announced(signal, past)
            if signal.id in self.episodes:
                self._carry_on(signal, begun)
            return
        if signal.id in self.episodes:
            self._carry_on(signal, None)
        if signal.id not in self.episodes:
            self._maybe_fire(signal, past)

    def _decide_announced(self, signal: Signal, past: Past) -> Status | None:
        """Confirm what was announced on the day just closed, begin what was not, retract what did not hold."""
        day, known = self.boundary - 1, self.announced.pop(signal.id, [])
        begun: Status | None = None
        if signal.id not in self.episodes and (self.has_late or self._notes(signal, day)):
            if self._may_begin(signal, past, self.cooling.get(signal.id)):
                begun, revision = ("updated", 2) if day in known else ("firing", 1)
                score, observed_ms = number(signal.score.term.text, past), self._first_true_ms(signal, day)
                self.episodes[signal.id] = self._new(signal, day, score, observed_ms, self.stage, revision)
        for start in sorted(known):
            if start > day:
                self.announced.setdefault(signal.id, []).append(start)
            elif signal.id not in self.episodes or self.episodes[signal.id].start != start:
                observed_ms = self.basis.calendar.start_of(self.boundary)
                taken_back = self._new(signal, start, None, observed_ms, self.stage, revision=2)
                self.told[signal.id, start] = ("retracted", taken_back)
        return begun

    def _maybe_fire(self, signal: Signal, past: Past) -> None:
        """Begin when the condition has held at enough boundaries in a row and the cool-down allows it."""
        if not holds(signal.when.text, past):
            self.holding.pop(signal.id, None)
            return
        held_since = self.holding.setdefault(signal.id, self.boundary)
        cooled = self.cooling.get(signal.id)
        is_ready = self.boundary - held_since + 1 >= signal.persistence
        if is_ready and (cooled is None or cooled[0] < self.boundary) and self._is_cool(signal, past, cooled):
            del self.holding[signal.id]
            score, observed_ms = number(signal.score.term.text, past), self.basis.calendar.start_of(self.boundary)
            self.episodes[signal.id] = self._new(signal, self.boundary, score, observed_ms, self.stage)
            self._carry_on(signal, "firing")

    def _may_begin(self, signal: Signal, past: Past, cooled: tuple[int, float | None] | None) -> bool:
        return holds(signal.when.text, past) and self._is_cool(signal, past, cooled)

    def _is_cool(self, signal: Signal, past: Past, cooled: tuple[int, float | None] | None) -> bool:
        """Whether the cool-down is over, or the score worse by the margin than the one the last episode began with."""
        is_over = cooled is None or past.boundary >= cooled[0] + signal.cooldown_days
        return is_over or (cooled is not None and is_worse(signal, number(signal.score.term.text, past), cooled[1]))

    def _new(
        self, signal: Signal, start: int, score: float | None, observed_ms: int, stage: str | None, revision: int = 1
    ) -> Episode:
        return Episode(start, revision, signal.severity, score, stage, signal.owner, observed_ms, score)

    def _carry_on(self, signal: Signal, begun: Status | None) -> None:
        """Tell what began, ended, expired, worsened, or changed its stage."""
        episode = self.episodes[signal.id]
        past = self._past(self.boundary, episode.start)
        raised = episode.revision + (begun is None)
        ending = self._ending(signal, past, episode.start) if episode.start < self.boundary else None
        if ending is not None:
            del self.episodes[signal.id]
            self.cooling[signal.id] = (self.boundary, episode.initial)
            self.told[signal.id, episode.start] = (ending, replace(episode, revision=raised, stage=self.stage))
            return
        score = number(signal.score.term.text, past)
        has_worsened = is_worse(signal, score, episode.score)
        if begun is None and (has_worsened or episode.stage != self.stage):
            score = score if has_worsened else episode.score
            self._tell(signal, "updated", replace(episode, score=score, stage=self.stage, revision=raised))
        elif begun is not None:
            self._tell(signal, begun, episode)

    def _ending(self, signal: Signal, past: Past, start: int) -> Status | None:
        if holds(signal.ends.text, past):
            return "resolved"
        return "expired" if signal.expires_days is not None and past.boundary >= start + signal.expires_days else None

    def _tell(self, signal: Signal, status: Status, episode: Episode) -> None:
        self.episodes[signal.id] = episode
        self.told[signal.id, episode.start] = (status, episode)

    def _corroborate(self) -> None:
        """Alerts of severity error, open at once and resting on different feeds, make each other critical."""
        past = self._past(self.boundary)
        for signal in self.rules.signals:
            episode = self.episodes.get(signal.id)
            if episode is None:
                continue
            others = tuple(sorted(one.id for one in self.rules.signals
                                  if one.id in self.episodes and past.are_witnesses(signal, one)))  # fmt: skip
            if others != episode.corroborated_by:
                status, _ = self.told.get((signal.id, episode.start), ("updated", None))
                revision = episode.revision + ((signal.id, episode.start) not in self.told)
                severity = "critical" if others else signal.severity
                self._tell(signal, status, replace(
                    episode, corroborated_by=others, severity=severity, revision=revision))  # fmt: skip

    def _publish(self, signal: Signal, past: Past, episode: Episode, status: Status, *, by_review: bool) -> None:
        self.alerts.append(
            alert_of(self.rules, signal, self.customer_id, past, episode, status, by_review=by_review,
                     alerts_from_ms=self.alerts_from_ms)
        )  # fmt: skip


def is_worse(signal: Signal, score: float | None, than: float | None) -> bool:
    """Worse by the margin or more; an equal score is not, whatever the margin."""
    if score is None or than is None or score == than:
        return False
    margin = signal.score.margin
    return score >= than + margin if signal.score.worse == "higher" else score <= than - margin
