"""Where what a replay publishes goes: files, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.digests.lists import Day, Lists
from models.engine.review import Message
from models.what_if.decided import RunRecorder
from schemas.alert import AlertV1, encode_alert
from schemas.digest import encode_digest
from schemas.erasure import ErasureV1
from schemas.outcome import OutcomeV1, encode_outcome
from schemas.receipt import ReceiptV1, encode_receipt
from schemas.reviewed import is_told
from schemas.stage import StageChangeV1, encode_stage_change
from schemas.suppressed import SuppressedV1, encode_suppressed
from streams.cli.output import Output


@dataclass
class Sinks:
    """Files for what a replay publishes, and counts of it."""

    alerts: Output | None = None
    stages: Output | None = None
    receipts: Output | None = None
    suppressed: Output | None = None
    outcomes: Output | None = None
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(signal, what became of it) of alerts that ended."""
    revisions: int = 0
    transitions: int = 0
    ids: set[str] = field(default_factory=set)
    decided: RunRecorder | None = None
    """Where everything is gathered that is to be compared; it makes `lists`, where there are any."""
    answered: Counter[str] = field(default_factory=Counter)
    """Receipts by status."""
    held: Counter[str] = field(default_factory=Counter)
    """Revisions that were not sent, by rule."""

    erased: int = 0
    """Customers who were erased."""
    experiment: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(arm, whether the customer came back) of experiments whose horizon was over."""

    lists: Lists | None = None
    """Where what is sent becomes the owners' lists."""
    digests: Output | None = None

    def take(self, messages: Iterable[Message]) -> None:
        """Write and count."""
        for message in messages:
            self._take(message)
            for day in self._days_after(message):
                for digest in () if self.digests is None else day.digests:
                    _write(self.digests, encode_digest(digest))

    def _days_after(self, message: Message) -> Iterable[Day]:
        """The lists of every boundary that is complete by a message; made once, whoever asks for them."""
        if self.decided is not None:
            return self.decided.take(message)
        return self.lists.follow(message) if self.lists is not None and is_told(message) else ()

    def _take(self, message: Message) -> None:
        if isinstance(message, StageChangeV1):
            self.transitions += 1
            _write(self.stages, encode_stage_change(message))
        elif isinstance(message, AlertV1):
            self._take_alert(message)
        elif isinstance(message, ReceiptV1):
            self.answered[message.status] += 1
            _write(self.receipts, encode_receipt(message))
        elif isinstance(message, SuppressedV1):
            self.held[message.rule] += 1
            _write(self.suppressed, encode_suppressed(message))
        elif isinstance(message, OutcomeV1):
            self.experiment[message.arm, "came_back" if message.came_back else "stayed_away"] += 1
            _write(self.outcomes, encode_outcome(message))
        elif isinstance(message, ErasureV1):
            self.erased += 1

    def _take_alert(self, alert: AlertV1) -> None:
        self.revisions += 1
        _write(self.alerts, encode_alert(alert))
        self.fired[alert.signal, alert.status] += 1
        if alert.ended_because is not None:
            self.ended[alert.signal, alert.ended_because] += 1
        self.ids.add(alert.alert_id)


def _write(opened: Output | None, payload: bytes) -> None:
    if opened is not None:
        opened.write(payload + b"\n")
