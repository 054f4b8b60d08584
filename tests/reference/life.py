"""One customer: what is announced at once, and what each boundary decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_fields
from zlib import crc32

from msgspec.structs import replace

from models.catalogue.rules import Rules, Signal
from reference.ending import reason_of
from reference.erased import NEVER, last_words
from reference.language import holds, is_so, number
from reference.merged import OnItsWay
from reference.past import Happened, Past, Score, notes_of, refused_of
from reference.spoken import Cooled, Said, Spoken, severity_of
from reference.telling import Episode, News, rests_on, retired
from reference.trials import arm_of, outcome_of
from reference.unheard import heard_parts, listen
from reference.weather import CLEAR, Weather
from schemas.alert import Money, NoContact
from schemas.command import Command
from schemas.stage import StageChangeV1, stage_change_id

Risks = Callable[[str, int], tuple[float, float | None] | None]
"""By customer and boundary, asked on the customer's snapshot days: (risk, rank), or None for no score."""


class Life(Spoken):
    """A customer from the first event on."""

    def __init__(self, rules: Rules, customer_id: str, alerts_from_ms: int, risks: Risks | None) -> None:
        super().__init__(rules, customer_id, alerts_from_ms)
        self.risks, self.stage_since, self.has_late = risks, 0, False
        self.stage: str | None = None
        self.seen: list[Happened] = []
        self.late: list[Happened] = []
        self.scores: list[Score] = []
        self.waiting: set[tuple[int, int]] = set()
        self.announced: dict[str, list[int]] = {}
        self.holding: dict[str, int] = {}
        self.stages: list[StageChangeV1] = []
        self.is_erased = False
        self.skipped: list[int] = []
        self.coming: list[OnItsWay] = []
        self.quiet_from = NEVER
        """The first day on which nothing is announced at once, as somebody joins or leaves."""

    def go_on_by(self, rules: Rules) -> None:
        """Change the catalogue; what was told of signals that it does not know is taken back at the next boundary."""
        known = {signal.id for signal in rules.signals}
        told = (self.episodes.keys() | self.announced.keys()) - known
        left = tuple(retired(signal) for signal in self.signals if signal.id in told)
        counting = {one.id for one in self.signals if one.persistence > 1} & {
            one.id for one in rules.signals if one.persistence > 1
        }
        self.holding = {name: since for name, since in self.holding.items() if name in counting}
        rest = {signal.id: signal.cooldown_days for signal in self.signals if signal.id in known}
        self.cooling = {name: (ended, score) for name, (ended, score) in self.cooling.items()
                        if self.boundary + 1 < ended + rest.get(name, 0)}  # fmt: skip
        self.rules, self.basis, self.signals = rules, rules.basis, rules.signals + left
        tried = {signal.id for signal in rules.signals if signal.holdout}
        self.trials = {name: trial for name, trial in self.trials.items() if name in tried}
        for name in (self.episodes.keys() & known) - tried:
            self.episodes[name] = replace(self.episodes[name], arm=None)
        self.scores = self.scores if self.basis.learning else []

    def erase(self) -> None:
        """Tell the last words; nothing is known any more."""
        self.alerts += last_words(self, self.announced, self.erased_at)
        self.is_erased = True
        self.seen, self.late, self.waiting = [], [], set()

    def leave(self, boundary: int) -> OnItsWay:
        """Become another's; what was published stays so. What is known goes on its way."""
        self.alerts += last_words(self, self.announced, boundary, "merged")
        known = [one for one in self.seen + self.late if one.adds]
        gone = OnItsWay(boundary, (self.customer_id,), known, self._has_opted_out(boundary))
        kept = (
            "alerts",
            "stages",
            "receipts",
            "suppressed",
            "outcomes",
            "said",
            "erased_at",
            "quiet_from",
            "boundary",
            "coming",
        )
        stays = {name: getattr(self, name) for name in kept}
        self.__init__(self.rules, self.customer_id, self.alerts_from_ms, self.risks)  # type: ignore[misc]
        self.__dict__ |= stays
        return gone

    def join(self, other: OnItsWay, boundary: int) -> None:
        """What was known of another was ours all the time, from a boundary on; what they refused we do as well."""
        self.late += other.seen
        self.has_late |= bool(other.seen)
        if other.has_opted_out:
            at_ms = self.basis.calendar.start_of(boundary)
            self.heard.append(Said(Command("", "opt_out", self.customer_id, at_ms, ""), boundary, is_late=False))

    # -- days still open

    def take(self, one: Happened, *, is_late: bool) -> None:
        """Apply an event. What is of a closed day counts from the next boundary on."""
        (self.late if one.day < self.boundary else self.seen).append(one)
        self.has_late |= is_late and one.event.feed in self.basis.feeds
        if one.is_evidence and not is_late and one.event.feed in self.basis.feeds:
            self.waiting.add((one.event.feed, one.day))

    def release(self, clocks: Sequence[int]) -> None:
        """Announce what waits on days whose midnight the feed's clock has passed by the bound on disorder.

        Before that an event of an earlier day can still come in the same feed.
        """
        for feed, day in sorted(self.waiting):
            if clocks[feed] >= self.basis.calendar.start_of(day) + self.basis.disorder_ms:
                self.waiting.remove((feed, day))
                for signal in self.rules.signals:
                    is_told = day in self.announced.get(signal.id, []) or self._is_quiet(signal, day)
                    if signal.announced_feed == feed and not is_told and day < self.quiet_from:
                        self._announce(signal, day)

    def _announce(self, signal: Signal, day: int) -> None:
        """Announce the episode that begins on this very day, if those of the days since the last boundary allow it."""
        episode, cooled = self.episodes.get(signal.id), self.cooling.get(signal.id)
        was_sent = episode is not None and episode.sent_ms >= 0
        for evening in range(max(self.boundary, min(one.day for one in self.seen)), day + 1):
            before, past = Past(self.basis, evening, self.seen), Past(self.basis, evening + 1, self.seen)
            if episode and evening > max(episode.start, self.boundary):
                if self._ending(signal, before, episode) or (was_sent and self._has_opted_out(evening)):
                    cooled, episode = (evening, episode.initial), None
                was_sent = was_sent or not self._is_kept_back(signal, evening)
            if episode is None and self._notes(signal, evening) and self._may_begin(signal, past, cooled):
                own = refused_of(
                    one for one in self.seen if (one.day, one.event.feed) == (evening, signal.announced_feed)
                )
                episode = self._begun(signal, past, evening, self._first_true_ms(signal, evening), refused=own)
                was_sent = evening in self.announced.get(signal.id, [])
                if evening == day:
                    self.announced.setdefault(signal.id, []).append(day)
                    self._publish(past, signal, "firing", episode, by_review=False)

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

    def review(self, boundary: int, weather: Weather = CLEAR, running: Mapping[str, float] | None = None) -> None:
        self.boundary, self.seen, self.late = boundary, self.seen + self.late, []
        if running:
            constants = {**self.rules.basis.constants, **running}
            self.basis = with_fields(self.rules.basis, constants=constants)
        now_ms, self.weather = self.basis.calendar.start_of(boundary), weather
        self.snoozed = {name: until_ms for name, until_ms in self.snoozed.items() if until_ms > now_ms}
        self._forget_contact()
        self._ask_model()
        past = Past(self.basis, boundary, self.seen, self.scores, self.skipped, weather.lost)
        judged = self.signals[len(self.rules.signals) :]  # what left the catalogue ends, whatever is to be seen
        if past.first_day is not None:
            self._change_stage(past)
            judged = self.signals
        for signal in judged:
            self._judge(signal, past)
        self._answer()
        listen(self, past)
        self._release()
        if past.first_day is not None:
            self._escalate(judged)
            self._join_cases()
            self._corroborate()
        elif self.told:  # somebody said something of a customer of whom nothing is left to see
            self._join_cases()
        self._try(past)
        self._suggest()
        for telling in self.told.values():
            self._attend(past, *telling)
        self.told, self.has_late, self.tells_snooze, self.confirmed = {}, False, set(), set()

    @property
    def refused(self) -> tuple[NoContact, ...]:
        """How e-mails were refused on days that are closed."""
        return refused_of(one for one in self.seen if one.day < self.boundary)

    def _ask_model(self) -> None:
        """On a snapshot day, one a step, of a customer whose last purchase is recent enough for the question."""
        learning, past = self.basis.learning, Past(self.basis, self.boundary, self.seen)
        if not learning or not self.risks:
            return
        anchor = crc32(self.customer_id.encode()) if learning.anchor is None else learning.anchor
        has_begun = learning.anchor is None or self.boundary >= anchor
        if not has_begun or (self.boundary - anchor) % learning.step_days:
            return
        if any(day >= self.boundary - 30 for day in self.weather.of(self.basis.feeds)):
            self.skipped.append(self.boundary)  # the month that features look at holds a day of which nobody heard
            return
        silent = past.days_since(past.days_of("purchases"))
        if silent is not None and silent < learning.question.risk_set_days:
            found = self.risks(self.customer_id, self.boundary)
            self.scores = self.scores if found is None else [*self.scores, Score(self.boundary, *found)]

    def _change_stage(self, past: Past) -> None:
        (stage, silent), spend = past.standing, past.count("spend", self.boundary)
        if stage is not None and stage != self.stage:
            calendar, at = self.basis.calendar, self.basis.calendar.text_of(self.boundary)
            self.stages.append(StageChangeV1(
                id=stage_change_id(self.customer_id, at), customer_id=self.customer_id, at=at, from_stage=self.stage,
                to_stage=stage, cause=f"{silent} day{'s' * (silent != 1)} of silence" if silent else "activity",
                days_in_previous=self.boundary - self.stage_since if self.stage else None,
                spend_so_far=Money(spend or 0.0, self.basis.currency),
                historical=calendar.start_of(self.boundary) < self.alerts_from_ms, catalogue=self.rules.hash,
            ))  # fmt: skip
            self.stage, self.stage_since = stage, self.boundary

    def _judge(self, signal: Signal, past: Past) -> None:
        is_announced = signal.announced_feed is not None or signal.id in self.announced
        begun = self._decide_announced(signal, past) if is_announced else None
        if signal.id in self.episodes:
            self._carry_on(signal, past, begun)
        if signal.id not in self.episodes and signal.announced_feed is None:
            self._maybe_fire(signal, past)

    def _decide_announced(self, signal: Signal, past: Past) -> News | None:
        """Confirm what was announced on the day just closed, begin what was not, retract what did not hold."""
        day, known = self.boundary - 1, self.announced.pop(signal.id, [])
        begun: News | None = None
        is_asked = signal.announced_feed is not None and signal.id not in self.episodes
        if (
            is_asked
            and (self.has_late or self._notes(signal, day))
            and self._may_begin(signal, past, self.cooling.get(signal.id))
        ):
            begun, revision = ("updated", 2) if day in known else ("firing", 1)
            self.episodes[signal.id] = self._begun(signal, past, day, self._first_true_ms(signal, day), revision)
            self.confirmed |= {signal.id} if day in known else set()
        for start in known:
            if start > day:
                self.announced.setdefault(signal.id, []).append(start)
            elif signal.id not in self.episodes or self.episodes[signal.id].start != start:
                untrue = self._begun(signal, past, start, self.basis.calendar.start_of(self.boundary), revision=2)
                self.told[signal.id, start] = (signal, "taken_back", replace(untrue, score=None, initial=None))
        return begun

    def _maybe_fire(self, signal: Signal, past: Past) -> None:
        """Begin when the condition has held at enough boundaries in a row and the cool-down allows it."""
        if not holds(signal.when.text, past):
            self.holding.pop(signal.id, None)
            return
        is_ready = self.boundary - self.holding.setdefault(signal.id, self.boundary) + 1 >= signal.persistence
        cooled = self.cooling.get(signal.id)
        has_just_ended = cooled is not None and cooled[0] == self.boundary
        if is_ready and not has_just_ended and self._may_begin(signal, past, cooled):
            del self.holding[signal.id]
            at_ms = self.basis.calendar.start_of(self.boundary)
            self.episodes[signal.id] = self._begun(signal, past, self.boundary, at_ms)
            self._carry_on(signal, past, "firing")

    def _may_begin(self, signal: Signal, past: Past, cooled: Cooled | None) -> bool:
        """The condition holds, and the cool-down is over or the score worse than what the last episode began with."""
        is_cool = cooled is None or past.boundary >= cooled[0] + signal.cooldown_days
        is_cool = is_cool or is_worse(signal, number(signal.score.term.text, past), cooled and cooled[1])
        return is_cool and holds(signal.when.text, past)

    def _begun(
        self, signal: Signal, past: Past, start: int, observed_ms: int, revision: int = 1,
        refused: tuple[NoContact, ...] | None = None,
    ) -> Episode:  # fmt: skip
        """`refused`: what an announcement knows of its own feed's day; else all that is known."""
        score = number(signal.score.term.text, past, start)
        return Episode(start, revision, signal.severity, score, self.stage, signal.owner, observed_ms, score,
                       refused=self.refused if refused is None else refused, sent_ms=observed_ms)  # fmt: skip

    def _carry_on(self, signal: Signal, past: Past, begun: News | None) -> None:
        """Tell what began, ended, expired, worsened, or changed its stage or, by the catalogue, owner or severity."""
        episode = self.episodes[signal.id]
        ending = self._ending(signal, past, episode) if episode.start < self.boundary else None
        score = number(signal.score.term.text, past, episode.start)
        has_worsened = is_worse(signal, score, episode.score)
        severity = episode.severity if ending or episode.corroborated_by else severity_of(signal, episode)
        now = replace(episode, stage=self.stage, owner=episode.owner if ending else signal.owner, severity=severity,
                      refused=self.refused)  # fmt: skip
        if ending or begun or has_worsened or now != episode:
            score = score if has_worsened and not ending and not begun else episode.score
            now = replace(now, score=score, revision=episode.revision + (begun is None))
            self._tell(signal, ending or begun or "updated", now)
        if ending:
            del self.episodes[signal.id]
            self.cooling[signal.id] = (self.boundary, episode.initial)

    def _ending(self, signal: Signal, past: Past, episode: Episode) -> News | None:
        is_expired = signal.expires_days is not None and past.boundary >= episode.start + signal.expires_days
        is_over = holds(signal.ends.text, past, episode.start)
        if signal.announced_feed is None and not signal.has_left:
            heard = heard_parts(signal.ends.text, self.weather.down, self.basis)
            is_over = any(is_so(part, past, episode.start) for part in heard)
        return reason_of(signal, past, episode.start, is_over=is_over) if is_over or is_expired else None

    def _corroborate(self) -> None:
        """Alerts of severity error, open at once and resting on different feeds, make each other critical."""
        grave = [one for one in self.signals if (one.polarity, one.severity) == ("negative", "error")]
        sure = {
            one.id
            for one in grave
            if (episode := self.episodes.get(one.id)) and (one.id not in self.unheard or self._was_sent(one, episode))
        }
        resting = {one.id: feeds for one in grave if one.id in sure and (feeds := rests_on(one, self.basis))}
        for signal in self.signals:
            if (episode := self.episodes.get(signal.id)) is None:
                continue
            own = resting.get(signal.id)
            others = tuple(sorted(other for other, feeds in resting.items() if own and not feeds & own))
            if others != episode.corroborated_by:
                severity = "critical" if others else severity_of(signal, episode)
                self._retell(signal, replace(episode, corroborated_by=others, severity=severity))

    def _try(self, past: Past) -> None:
        """Tell what came of trials whose horizon is over; what begins is in the arm of its trial, or begins one."""
        for name, (start, arm) in [*self.trials.items()]:
            if self.boundary >= start + self.basis.constants["horizon_days"]:
                del self.trials[name]
                self.outcomes.append(outcome_of(self.customer_id, name, arm, start, past, self.stage, self.rules.hash))
        for key, (signal, status, episode) in self.told.items():
            is_told_of = not (episode.refused or self._has_opted_out(self.boundary) or signal.id in self.unheard)
            is_tried = signal.holdout and is_told_of and episode.observed_ms >= self.alerts_from_ms
            if is_tried and status == "firing" and episode.revision == 1:
                arm = arm_of(self.rules.salt, signal, self.customer_id, episode.start)
                _, arm = self.trials.setdefault(signal.id, (episode.start, arm))
                self.episodes[signal.id] = replace(episode, arm=arm)
                self.told[key] = (signal, status, self.episodes[signal.id])

    def _join_cases(self) -> None:
        """What begins joins the open case of its cause; else what begins together is one, named by its first day."""
        open_cases: dict[str, int] = {}
        for signal in self.signals:
            episode = self.episodes.get(signal.id)
            if episode is not None and episode.case is not None:
                open_cases[signal.cause] = min(episode.case, open_cases.get(signal.cause, episode.case))
        new = [(key, *one) for key, one in self.told.items() if one[2].case is None and one[1] != "taken_back"]
        for (name, start), signal, status, episode in new:
            first = min(one.start for _, other, _, one in new if other.cause == signal.cause)
            case = replace(episode, case=open_cases.get(signal.cause, first))
            self.told[name, start] = (signal, status, case)
            if self.episodes.get(name) == episode:
                self.episodes[name] = case


def is_worse(signal: Signal, score: float | None, than: float | None) -> bool:
    """Worse by the margin or more; an equal score is not, whatever the margin."""
    if score is None or than is None or score == than:
        return False
    margin = signal.score.margin
    return score >= than + margin if signal.score.worse == "higher" else score <= than - margin
