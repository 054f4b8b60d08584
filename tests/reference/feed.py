"""A feed of the partition: from the day on which it is found to be down until it is back, an alert tells of it."""

from typing import NamedTuple, cast

from msgspec.structs import replace

from models.calendar import date_of
from models.catalogue.rules import Rules, Signal
from reference.past import Past
from reference.spoken import Said, Spoken, severity_of
from reference.telling import Episode, News, owed_since
from schemas.alert import AlertSeverity, AlertV1, alert_id, case_id
from schemas.instant import to_rfc3339

OUTAGE = "feed_outage"
NOTHING = cast("Past", None)
"""What happened to customers is no matter of a feed."""


class Told(NamedTuple):
    """What the catalogue says of the alert, as it does of a signal's."""

    severity: AlertSeverity
    owner: str
    respond_ms: int
    id: str = OUTAGE
    polarity: str = "negative"


class FeedLife(Spoken):
    """What is said of the alert of one feed, and what comes of it."""

    def __init__(self, rules: Rules, feed: str, alerts_from_ms: int) -> None:
        super().__init__(rules, f"feed:{feed}/0", alerts_from_ms)
        self.feed, self.name = feed, f"feed:{feed}"
        self.silence: tuple[int, int] | None = None

    def review(self, boundary: int, rules: Rules, began: int | None, silence: tuple[int, int] | None) -> None:
        """A midnight: since which hour the feed is down; where that is found now, the hours, and who usually comes."""
        self.rules, self.basis, self.boundary, self.silence = rules, rules.basis, boundary, silence
        told, now_ms = rules.outage_alert, rules.basis.calendar.start_of(boundary)
        signal = cast("Signal", Told(told.severity, told.owner, told.respond_ms))
        self.signals = (signal,)
        self.snoozed = {name: until_ms for name, until_ms in self.snoozed.items() if until_ms > now_ms}
        episode = self.episodes.get(OUTAGE)
        if episode is not None and began is None:
            self._tell(signal, "over", replace(episode, revision=episode.revision + 1))
            del self.episodes[OUTAGE]
        elif episode is not None:
            now = replace(episode, owner=told.owner, severity=severity_of(signal, episode))
            if now != episode:
                self._retell(signal, now)
        elif began is not None and silence is not None:
            day = began // 24
            hours = float(silence[0])
            first = Episode(day, 1, told.severity, hours, None, told.owner, now_ms, hours, case=day, sent_ms=now_ms)
            self._tell(signal, "firing", first)
        self._answer()
        self._release()
        self._escalate(self.signals)
        for telling in self.told.values():
            self._attend(NOTHING, *telling)
        self.told, self.tells_snooze = {}, set()

    def _meant(self, said: Said) -> tuple[Signal, Episode] | None:
        """The alert of this id that was open before the boundary at which the command counts."""
        found = super()._meant(said)
        is_known = found is not None and found[1].observed_ms < self.basis.calendar.start_of(said.boundary)
        return found if is_known else None

    def _written(
        self, past: Past, signal: Signal, status: News, episode: Episode, *, by_review: bool, until_ms: int | None
    ) -> AlertV1:
        assert (past, by_review) == (NOTHING, True)
        calendar, told, day = self.basis.calendar, self.rules.outage_alert, date_of(episode.start)
        is_over = status == "over"
        return AlertV1(
            alert_id=alert_id(self.customer_id, OUTAGE, day), revision=episode.revision,
            status="resolved" if is_over else "firing" if status == "firing" else "updated",
            signal=signal.id, polarity="negative", severity=episode.severity, customer_id=self.name, stage=None,
            summary=self._summary(episode, is_over=is_over), owner=episode.owner, intervention=told.intervention,
            playbook_url=told.playbook_url, starts_at=calendar.text_of(episode.start),
            observed_at=to_rfc3339(episode.observed_ms), due_at=to_rfc3339(owed_since(episode) + told.respond_ms),
            ends_at=to_rfc3339(calendar.start_of(self.boundary)) if is_over else None,
            score=None if is_over else episode.score,
            threshold=None, drivers=(), value_at_risk=None, corroborated_by=(), model=None, evidence=(), arm=None,
            clears_when=f"a day with events in the {self.feed} feed, without such a silence",
            catalogue=self.rules.hash, historical=episode.observed_ms < self.alerts_from_ms,
            case_id=case_id(self.name, OUTAGE, day), ended_because="over" if is_over else None,
            acknowledged_at=to_rfc3339(episode.acknowledged_ms) if episode.acknowledged_ms >= 0 else None,
            acknowledged_by=episode.acknowledged_by or None, outcome=episode.outcome or None,
            escalated_at=to_rfc3339(episode.escalated_ms) if episode.escalated_ms >= 0 else None,
            escalated_to=episode.escalated_to or None, snoozed_until=None if until_ms is None else to_rfc3339(until_ms),
        )  # fmt: skip

    def _summary(self, episode: Episode, *, is_over: bool) -> str:
        days = self.boundary - episode.start
        lasted = f"{days} day{'s' * (days != 1)}"
        if is_over:
            return f"Over after {lasted}: the {self.feed} feed is back in partition 0."
        silence = f", for {lasted} now"
        if self.silence is not None:
            silence = (
                f": nothing came for {self.silence[0]} hours, in which {self.silence[1]:,} customers came in the "
                "quietest of the weeks before"
            )
        held = "Alerts of customers who may merely not have been heard of are held."
        nobody = ""
        if episode.escalated_ms >= 0 and episode.acknowledged_ms < 0:
            to = f": escalated to {episode.escalated_to}" if episode.escalated_to else ""
            nobody = f" Nobody answered in time{to}."
        return f"The {self.feed} feed is down in partition 0{silence}. {held}{nobody}"
