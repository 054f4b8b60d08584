"""What people say of one customer's alerts, and what comes of it: answers, escalation, who is told."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from msgspec.structs import replace

from models.calendar import Calendar, date_of
from models.catalogue.rules import Rules, Signal
from reference.cap import Suggestion, asks_for_contact, may_wait, most_urgent
from reference.past import Past
from reference.telling import Episode, News, alert_of
from reference.weather import CLEAR
from schemas.alert import AlertSeverity, AlertV1, Arm, NoContact, alert_id
from schemas.command import Command
from schemas.instant import to_rfc3339
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptReason, ReceiptV1
from schemas.suppressed import Rule, SuppressedV1


@lru_cache(maxsize=200_000)
def _id_of(customer_id: str, signal: str, day: int) -> str:
    """Of an alert that began on a day; asked for every day of a year and more, of each command anew."""
    return alert_id(customer_id, signal, date_of(day))


Cooled = tuple[int, float | None]
"""The boundary at which the last episode ended, and the score it had begun with."""


class Said(NamedTuple):
    """A command, and the boundary at which it is decided; `is_late`: too late to count."""

    command: Command
    boundary: int
    is_late: bool


class Spoken:
    """The alerts of a customer as they stand, and what was said of them.

    `told` are the revisions of the boundary at hand, by signal and start.
    """

    def __init__(self, rules: Rules, customer_id: str, alerts_from_ms: int) -> None:
        self.rules, self.basis, self.signals, self.customer_id = rules, rules.basis, rules.signals, customer_id
        self.name = customer_id
        """What commands call it."""
        self.alerts_from_ms, self.boundary = alerts_from_ms, -1
        self.episodes: dict[str, Episode] = {}
        self.cooling: dict[str, Cooled] = {}
        self.told: dict[tuple[str, int], tuple[Signal, News, Episode]] = {}
        self.said: list[Said] = []
        self.erased_at = 1 << 40
        """The boundary at which the customer is erased."""
        self.heard: list[Said] = []
        self.snoozed: dict[str, int] = {}
        self.tells_snooze: set[tuple[str, int]] = set()
        self.contacted: int | None = None
        self.chosen = ""
        self.confirmed: set[str] = set()
        self.weather, self.unheard = CLEAR, set[str]()
        self.sure: set[tuple[str, int]] = set()
        self.suppressed: list[SuppressedV1] = []
        self.trials: dict[str, tuple[int, Arm]] = {}
        self.outcomes: list[OutcomeV1] = []
        self.receipts: list[ReceiptV1] = []
        self.alerts: list[AlertV1] = []

    def hear(self, said: Said) -> None:
        """Something was said, to be decided at its boundary."""
        if said.command.action == "erase":
            self.erased_at = min(said.boundary, self.erased_at)
        self.said.append(said)
        self.heard += [] if said.is_late else [said]

    def _last_word(self, actions: tuple[str, ...], boundary: int, of: Signal | None = None) -> Command | None:
        """What was said last of the customer, or of alerts of a signal, and takes effect at a boundary or before."""
        found = [one for one in self.heard if one.command.action in actions and one.boundary <= boundary]
        found = [one for one in found if of is None or self._speaks_of(one, of)]
        last = max(found, key=lambda one: (one.boundary, one.command.at_ms, one.command.id), default=None)
        return None if last is None else last.command

    def _speaks_of(self, said: Said, signal: Signal) -> bool:
        """Whether it names an alert of a signal, whatever became of it; one yet to begin nobody can know by name."""
        days = range(max(0, said.boundary - 500), said.boundary)
        return any(_id_of(self.customer_id, signal.id, day) == said.command.alert_id for day in days)

    def _has_opted_out(self, boundary: int) -> bool:
        last = self._last_word(("opt_out", "opt_in"), boundary)
        return last is not None and last.action == "opt_out"

    def reasons(self, refused: tuple[NoContact, ...]) -> tuple[NoContact, ...]:
        """Why the customer must not be contacted, besides e-mails that were refused."""
        return (*refused, "opted_out") if self._has_opted_out(self.boundary) else refused

    def _is_quiet(self, signal: Signal, day: int) -> bool:
        """Whether by what was said before a day nothing of a signal is announced on it."""
        snooze = self._last_word(("snooze",), day, signal)
        is_snoozed = snooze is not None and self.basis.calendar.start_of(day + 1) < (snooze.until_ms or 0)
        return is_snoozed or self._has_opted_out(day)

    def _is_kept_back(self, signal: Signal, boundary: int) -> bool:
        """Whether by what was said nothing of a signal is sent at a boundary."""
        snooze = self._last_word(("snooze",), boundary, signal)
        is_snoozed = snooze is not None and self.basis.calendar.start_of(boundary) < (snooze.until_ms or 0)
        return is_snoozed or self._has_opted_out(boundary)

    def _answer(self) -> None:
        """Decide what was said, in the order of (at, id), of alerts that were open before this boundary."""
        due = [one for one in self.said if one.boundary <= self.boundary]
        self.said = [one for one in self.said if one.boundary > self.boundary]
        for one in sorted(due, key=lambda one: (one.command.at_ms, one.command.id)):
            meant = None if one.is_late else self._meant(one)
            is_over = meant and (one.command.until_ms or 1 << 60) <= self.basis.calendar.start_of(one.boundary)
            is_known = meant or one.command.alert_id is None
            reason: ReceiptReason | None = "already_over" if is_over else None if is_known else "no_open_alert"
            reason = "too_late" if one.is_late else reason
            self.receipts.append(receipt_of(one, self.basis.calendar, reason, meant and meant[0].id))
            if meant is not None and not is_over:
                (self._note if one.command.until_ms is None else self._snooze)(one.command, *meant)

    def _meant(self, said: Said) -> tuple[Signal, Episode] | None:
        """The alert of this id, open now or ended at this very boundary."""
        known = [(signal, self.episodes[signal.id]) for signal in self.signals if signal.id in self.episodes]
        known += [(signal, one) for signal, status, one in self.told.values() if status not in ("firing", "updated")]
        for signal, one in known:
            name = alert_id(self.customer_id, signal.id, date_of(one.start))
            if one.arm != "holdout" and name == said.command.alert_id and one.start < said.boundary:
                return signal, one
        return None

    def _snooze(self, command: Command, signal: Signal, episode: Episode) -> None:
        is_new = self.snoozed.get(signal.id) != command.until_ms
        self.snoozed[signal.id] = command.until_ms or 0
        if self.episodes.get(signal.id) == episode and episode.sent_ms >= 0 and is_new:
            self._retell(signal, episode)
            self.tells_snooze.add((signal.id, episode.start))

    def _note(self, command: Command, signal: Signal, episode: Episode) -> None:
        first = episode.acknowledged_ms < 0
        now = replace(
            episode,
            acknowledged_ms=command.at_ms if first else episode.acknowledged_ms,
            acknowledged_by=command.by if first else episode.acknowledged_by,
            outcome=command.outcome or episode.outcome,
        )
        if self.episodes.get(signal.id) != episode:
            self.told[signal.id, episode.start] = (*self.told[signal.id, episode.start][:2], now)
        elif now != episode:
            self._retell(signal, now)

    def _rule(self, signal: Signal, episode: Episode) -> tuple[str, int | None] | None:
        """What holds a revision of an open alert, and until when."""
        if self._has_opted_out(self.boundary):
            return "opted_out", None
        if episode.arm == "holdout":
            return "held_out", None
        is_snoozed = signal.id in self.snoozed and (signal.id, episode.start) not in self.tells_snooze
        if is_snoozed:
            return "snoozed", self.snoozed[signal.id]
        if signal.id in self.unheard and not self._was_sent(signal, episode):
            return "feed_down", None
        is_capped = self.contacted is not None and signal.id != self.chosen and not self._was_sent(signal, episode)
        if is_capped and asks_for_contact(signal, episode, self.alerts_from_ms) and may_wait(signal, episode):
            return "capped", self.basis.calendar.start_of((self.contacted or 0) + self.rules.contact_days)
        return None

    def _was_sent(self, signal: Signal, episode: Episode) -> bool:
        """Whether anybody heard of an open alert before this boundary."""
        told = self.told.get((signal.id, episode.start))
        return episode.sent_ms >= 0 and (told is None or told[1] != "firing")

    def _forget_contact(self) -> None:
        """A suggestion keeps others back for so many days."""
        self.chosen = ""
        if self.contacted is not None and self.boundary >= self.contacted + self.rules.contact_days:
            self.contacted = None

    def _suggest(self) -> None:
        """Decide whether the customer is contacted at this boundary, and because of what; what waits waits anew."""
        waiting, is_contacted = [], False
        for signal, status, episode in self.told.values():
            if not asks_for_contact(signal, episode, self.alerts_from_ms) or not self.rules.contact_days:
                continue
            is_open = status in ("firing", "updated")
            is_new = is_open and not self._was_sent(signal, episode) and self._rule(signal, episode) is None
            if is_new and may_wait(signal, episode):
                waiting.append(Suggestion(signal, episode))
            else:
                is_contacted |= is_new or status == "taken_back" or signal.id in self.confirmed
        if waiting and not is_contacted:
            self.chosen, is_contacted = most_urgent(waiting).signal.id, True
        if is_contacted:
            self.contacted = self.boundary
            held = [(one, self.episodes[one.id]) for one in self.signals if one.id in self.episodes]
            for signal, episode in held:
                if episode.held == "capped":
                    self._retell(signal, episode)

    def _release(self) -> None:
        """Tell of what nothing or another rule holds now; end what was sent of who has opted out."""
        for signal in self.signals:
            episode = self.episodes.get(signal.id)
            if episode is not None and episode.held and episode.arm != "holdout":
                rule = self._rule(signal, episode)
                if rule is None or rule[0] != episode.held:
                    self._retell(signal, episode)
        for signal in self.signals if self._has_opted_out(self.boundary) else ():
            episode = self.episodes.get(signal.id)
            is_new = episode is not None and self.told.get((signal.id, episode.start), ("", ""))[1] == "firing"
            if episode is not None and episode.sent_ms >= 0 and not is_new:
                told = (signal.id, episode.start) in self.told
                self._tell(signal, "opted_out", replace(episode, revision=episode.revision + (not told), held=""))
                del self.episodes[signal.id]
                self.cooling[signal.id] = (self.boundary, episode.initial)

    def _attend(self, past: Past, signal: Signal, status: News, episode: Episode) -> None:
        """Send a revision, or hold it. The end of what was sent passes, that of what nobody heard of does not."""
        is_end, rule = status not in ("firing", "updated"), self._rule(signal, episode)
        was_sent = episode.sent_ms >= 0 and status != "firing" and not (is_end and episode.revision == 1)
        if is_end:
            by = episode.held or (rule[0] if rule else "")
            is_held = bool(by) and not was_sent and status != "taken_back"
            return self._publish(past, signal, status, episode, held=(by, None) if is_held else None)
        if rule is not None:
            episode = replace(episode, held=rule[0], sent_ms=episode.sent_ms if was_sent else -1)
        elif episode.held:
            status = status if was_sent else "firing"
            episode = replace(episode, held="", sent_ms=self.basis.calendar.start_of(self.boundary))
        if (signal.id, episode.start) in self.tells_snooze and rule is None:
            episode = replace(episode, held="snoozed")
        self.episodes[signal.id] = episode
        return self._publish(past, signal, status, episode, held=rule)

    def _escalate(self, signals: Sequence[Signal]) -> None:
        """One step up for what nobody has taken on when the response time is over, once."""
        now_ms = self.basis.calendar.start_of(self.boundary)
        for signal in signals:
            episode = self.episodes.get(signal.id)
            if episode is None or signal.respond_ms is None or signal.polarity != "negative":
                continue
            told = self.told.get((signal.id, episode.start))
            is_new, is_historical = told is not None and told[1] == "firing", episode.observed_ms < self.alerts_from_ms
            is_new = is_new or bool(episode.held) or signal.id in self.snoozed or episode.sent_ms < 0
            is_due = episode.sent_ms + signal.respond_ms <= now_ms and not is_historical and not is_new
            if is_due and episode.acknowledged_ms < 0 and episode.escalated_ms < 0:
                to = self.rules.escalates_to.get(episode.owner, "")
                episode = replace(episode, escalated_ms=now_ms, escalated_to=to)
                severity = "critical" if episode.corroborated_by else severity_of(signal, episode)
                self._retell(signal, replace(episode, severity=severity))

    def _retell(self, signal: Signal, episode: Episode) -> None:
        """Tell of an open alert, in the revision of this boundary where there is one."""
        told = self.told.get((signal.id, episode.start))
        revision = episode.revision + (told is None)
        self._tell(signal, told[1] if told else "updated", replace(episode, revision=revision))

    def _tell(self, signal: Signal, status: News, episode: Episode) -> None:
        self.episodes[signal.id] = episode
        self.told[signal.id, episode.start] = (signal, status, episode)

    def _publish(
        self, past: Past, signal: Signal, status: News, episode: Episode, *, by_review: bool = True,
        held: tuple[str, int | None] | None = None,
    ) -> None:  # fmt: skip
        until_ms = self.snoozed.get(signal.id) if status in ("firing", "updated") and by_review else None
        episode = replace(episode, refused=self.reasons(episode.refused)) if by_review else episode
        alert = self._written(past, signal, status, episode, by_review=by_review, until_ms=until_ms)
        if held is None:
            self.alerts.append(alert)
            return
        rule, passes_ms = held
        at, passes_at = self.basis.calendar.text_of(self.boundary), None if passes_ms is None else to_rfc3339(passes_ms)
        self.suppressed.append(SuppressedV1(cast("Rule", rule), at, passes_at, alert))

    def _written(
        self, past: Past, signal: Signal, status: News, episode: Episode, *, by_review: bool, until_ms: int | None
    ) -> AlertV1:
        return alert_of(
            signal, status, episode, past, by_review=by_review, customer_id=self.customer_id, catalogue=self.rules.hash,
            historical=episode.observed_ms < self.alerts_from_ms, until_ms=until_ms)  # fmt: skip


def severity_of(signal: Signal, episode: Episode) -> AlertSeverity:
    """As the catalogue says, one step higher once it was escalated."""
    if episode.escalated_ms < 0:
        return signal.severity
    return "error" if signal.severity == "warning" else "warning" if signal.severity == "info" else "critical"


def receipt_of(
    said: Said, calendar: Calendar, reason: ReceiptReason | None, signal: str | None, into: str | None = None
) -> ReceiptV1:
    """What became of a command."""
    told = said.command
    return ReceiptV1(
        command_id=told.id, action=told.action, customer_id=told.customer_id, reason=reason, by=told.by,
        status="refused" if reason else "done", at=to_rfc3339(told.at_ms), alert_id=told.alert_id, signal=signal,
        effective_at=calendar.text_of(said.boundary), outcome=told.outcome, note_id=told.note_id,
        until=None if told.until_ms is None else to_rfc3339(told.until_ms), into=into,
    )  # fmt: skip
