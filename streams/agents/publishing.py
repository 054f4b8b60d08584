"""What leaves: outputs are encoded here, and what stands on its topic already is not sent again."""

from __future__ import annotations

from collections.abc import Callable

from models.engine.partition import Partition
from models.engine.review import Message
from schemas.alert import AlertV1, encode_alert, revision_key
from schemas.dead_letter import Origin, kept_value, origin_key
from schemas.erasure import ErasureV1, encode_erasure
from schemas.example import LessonV1, ProgressV1, encode_lesson, lesson_key
from schemas.moved import AnnouncedV1, Moved, MovedEventV1, day_of, encode_moved, moved_key
from schemas.outcome import OutcomeV1, encode_outcome
from schemas.receipt import ReceiptV1, encode_receipt, receipt_key
from schemas.reviewed import ReviewedV1, concerns_lists, encode_reviewed, reviewed_key
from schemas.stage import StageChangeV1, encode_stage_change
from schemas.suppressed import SuppressedV1, encode_suppressed
from schemas.topics import Topics
from streams.agents.owned import Aside, OwnedPartition
from streams.agents.tally import Tally
from streams.transport.producer import Outputs
from streams.transport.published import SHARED_PARTITION
from streams.transport.snapshots.sender import epoch_header

SENT_HEADER = "churn-sent-ms"
"""When a revision was sent: a header, so that its value is a function of the events alone."""


LIFE_HEADER = "churn-app-version"
"""On what partitions send each other: a state that is begun anew hears of its own life alone."""


def life_header(topics: Topics) -> tuple[str, bytes]:
    """Of which version of the application something is."""
    return LIFE_HEADER, str(topics.app_version).encode()


class Publisher:
    """Sends what partitions decided, in order: what is set aside first, then decisions."""

    def __init__(self, outputs: Outputs, topics: Topics, tally: Tally, now_ms: Callable[[], int]) -> None:
        self._outputs, self._topics, self._tally, self._now_ms = outputs, topics, tally, now_ms
        self.breathe: Callable[[], None] = lambda: None
        """Called before each decision: after a pause what is left waits until it is known whose it is."""

    def send(self, own: OwnedPartition, caused_ms: int | None = None) -> None:
        """Send what waits; `caused_ms`: Kafka time of the oldest event in the frame that caused it, if one did."""
        asides, own.asides = own.asides, []
        for aside in asides:
            self._send_aside(own, aside)
        if not self._send_moved(own):
            return
        outbox, own.outbox = own.outbox, []
        sent = [(SENT_HEADER, str(self._now_ms()).encode()), epoch_header(own.epoch)]
        for place, message in enumerate(outbox):
            self.breathe()
            if own.is_doubtful:
                own.outbox = outbox[place:]
                return
            if isinstance(message, AlertV1):
                self._send_alert(own, message, sent, caused_ms)
            elif isinstance(message, LessonV1 | ProgressV1):
                self._send_lesson(own, message, sent)
            else:
                self._send_other(own, message, sent)

    def _send_moved(self, own: OwnedPartition) -> bool:
        """Send what goes to other partitions; False where it has to wait. Whoever takes it in knows what it knows."""
        moving, own.moving = own.moving, []
        for place, record in enumerate(moving):
            self.breathe()
            if own.is_doubtful:
                own.moving = moving[place:]
                return False
            headers, at_ms = [epoch_header(own.epoch), life_header(self._topics)], time_of(record, own.partition)
            key = moved_key(record, self._topics.app_version, own.epoch)
            self._outputs.send(self._topics.moved, record.to, key, encode_moved(record), headers, at_ms)
        return True

    def _send_other(self, own: OwnedPartition, message: Message, sent: list[tuple[str, bytes]]) -> None:
        """Send what is neither an alert nor taught."""
        if isinstance(message, StageChangeV1):
            self._send_stage(own, message, sent)
        elif isinstance(message, ReceiptV1):
            self._send_receipt(own, message, sent)
        elif isinstance(message, SuppressedV1):
            self._send_suppressed(own, message, sent)
        elif isinstance(message, OutcomeV1):
            self._send_outcome(own, message, sent)
        elif isinstance(message, ErasureV1):
            self._send_erasure(own, message, sent)
        elif isinstance(message, ReviewedV1):
            self._send_told(own, reviewed_key(message), encode_reviewed(message), sent)

    def _send_aside(self, own: OwnedPartition, aside: Aside) -> None:
        record, there = aside.record, own.published
        topic = self._topics.late if aside.is_late else self._topics.dead_letters
        if there is not None:
            has = there.has_late if aside.is_late else there.has_dead_letter
            if has(record.topic, record.offset):
                self._tally.already_sent += 1
                return
        key = origin_key(Origin(record.topic, own.number, record.offset, record.timestamp_ms))
        self._outputs.send(topic, own.number, key, kept_value(record.value), aside.headers)

    def _send_alert(
        self, own: OwnedPartition, alert: AlertV1, sent: list[tuple[str, bytes]], caused_ms: int | None
    ) -> None:
        payload = encode_alert(alert)
        if concerns_lists(alert):
            self._send_told(own, revision_key(alert), payload, sent)
        still = payload if alert.is_open else None
        if own.published is not None and own.published.has_alert(alert.alert_id, alert.revision):
            if alert.revision == own.published.alerts[alert.alert_id]:  # the last that stands there
                own.reopened[alert.alert_id] = still
            self._tally.already_sent += 1
            return
        if own.published is not None:
            own.published.add_alert(alert.alert_id, alert.revision, still)
        own.reopened.pop(alert.alert_id, None)
        self._outputs.send(self._topics.alerts, own.number, revision_key(alert), payload, sent)
        self.send_open(own, alert.alert_id.encode(), still, sent)
        self._tally.alerts[alert.signal, alert.severity, alert.status] += 1
        if alert.ended_because is not None:
            self._tally.ended[alert.signal, alert.ended_because] += 1
        if caused_ms is not None and not alert.historical:
            self._tally.alert_ages.add(max(0, self._now_ms() - caused_ms) / 1000)

    def send_open(
        self, own: OwnedPartition, alert_id: bytes, value: bytes | None, sent: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Say on the topic of open alerts how one stands: on the customer's partition, under our epoch."""
        own.told_open.add(alert_id)
        self._outputs.send(
            self._topics.alerts_open, own.number, alert_id, value, [epoch_header(own.epoch)] if sent is None else sent
        )

    def settle_open(self, own: OwnedPartition) -> None:
        """Open alerts read again whose revision stood there already, but not on the topic of open ones."""
        reopened, own.reopened = own.reopened, {}
        lying = {} if own.lying is None else own.lying.last
        for alert_id, value in reopened.items():
            known = lying.get(alert_id.encode())
            if known is None or known.value != value:
                self.send_open(own, alert_id.encode(), value)

    def _send_stage(self, own: OwnedPartition, change: StageChangeV1, sent: list[tuple[str, bytes]]) -> None:
        if own.published is not None and own.published.has_stage(change.id):
            self._tally.already_sent += 1
            return
        self._outputs.send(self._topics.stages, own.number, change.id.encode(), encode_stage_change(change), sent)
        self._tally.stages[change.to_stage] += 1

    def _send_receipt(self, own: OwnedPartition, receipt: ReceiptV1, sent: list[tuple[str, bytes]]) -> None:
        if self._send_record(own, self._topics.receipts, receipt_key(receipt), encode_receipt(receipt), sent):
            self._tally.count_receipt(receipt)

    def _send_suppressed(self, own: OwnedPartition, held: SuppressedV1, sent: list[tuple[str, bytes]]) -> None:
        if self._send_record(own, self._topics.suppressed, revision_key(held.alert), encode_suppressed(held), sent):
            self._tally.suppressed[held.rule] += 1

    def _send_outcome(self, own: OwnedPartition, outcome: OutcomeV1, sent: list[tuple[str, bytes]]) -> None:
        payload = encode_outcome(outcome)
        if self._send_record(own, self._topics.outcomes, outcome.alert_id.encode(), payload, sent):
            self._tally.came_back[outcome.signal, outcome.arm, "yes" if outcome.came_back else "no"] += 1

    def _send_told(self, own: OwnedPartition, key: bytes, payload: bytes, sent: list[tuple[str, bytes]]) -> None:
        """Send what goes on owners' lists, unless it stands there already."""
        if own.published is None or not own.published.has_told(key, payload):
            self._outputs.send(self._topics.attention, SHARED_PARTITION, key, payload, sent)

    def _send_record(
        self, own: OwnedPartition, topic: str, key: bytes, payload: bytes, sent: list[tuple[str, bytes]]
    ) -> bool:
        """Send what says all that it is about, unless it stands on its topic already; whether it was sent."""
        if own.published is not None and own.published.has_record(key, payload):
            self._tally.already_sent += 1
            return False
        self._outputs.send(topic, own.number, key, payload, sent)
        return True

    def _send_erasure(self, own: OwnedPartition, erasure: ErasureV1, sent: list[tuple[str, bytes]]) -> None:
        """Tell everybody who keeps something of customers, the learner and the dispatcher among them."""
        key, payload = erasure.customer.encode(), encode_erasure(erasure)
        self._send_record(own, self._topics.erased, key, payload, sent)
        if own.published is None or not own.published.has_lesson(payload):
            self._outputs.send(self._topics.examples, SHARED_PARTITION, key, payload, sent)
        self._send_told(own, key, payload, sent)

    def bury(self, own: OwnedPartition, topic: str, partition: int, key: bytes) -> None:
        """Let a record vanish: it is of somebody who is erased."""
        self._outputs.send(topic, partition, key, None, [epoch_header(own.epoch)])

    def _send_lesson(self, own: OwnedPartition, lesson: LessonV1 | ProgressV1, sent: list[tuple[str, bytes]]) -> None:
        payload, there = encode_lesson(lesson), own.published
        if there is not None and (
            there.has_progress(lesson.boundary) if isinstance(lesson, ProgressV1) else there.has_lesson(payload)
        ):
            self._tally.already_sent += 1
            return
        self._outputs.send(self._topics.examples, SHARED_PARTITION, lesson_key(lesson, payload), payload, sent)


def time_of(record: Moved, sender: Partition) -> int:
    """The timestamp of what goes to another partition: the time it speaks of, so that a backlog is read in step.

    An announcement is of the time by the events at which it was made, where that was sooner: whoever reads the topic
    again has it before the days that it speaks of, whatever others announced meanwhile.
    """
    if isinstance(record, MovedEventV1):
        return max(1, record.event.time_ms)  # 0 would stand for now
    at_ms = sender.basis.calendar.start_of(day_of(record))
    if isinstance(record, AnnouncedV1):
        at_ms = min(at_ms, max(sender.watermark.highs))
    return max(1, at_ms)
