"""Erasure: what is told last, and what becomes of all that comes later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from models.calendar import date_of
from models.catalogue.rules import Signal
from models.config import Basis
from reference.spoken import Said, Spoken
from schemas.alert import AlertSeverity, AlertV1, EndReason, alert_id
from schemas.instant import to_rfc3339
from schemas.receipt import ReceiptV1

NEVER: Final = 1 << 40


def erasures(said: Iterable[Said]) -> dict[str, int]:
    """By customer, the first boundary at which an erasure takes effect."""
    found: dict[str, int] = {}
    for one in said:
        if one.command.action == "erase":
            found[one.command.customer_id] = min(one.boundary, found.get(one.command.customer_id, NEVER))
    return found


def is_refused(customer_id: str, day: int, boundary: int, since: Mapping[str, int]) -> bool:
    """Whether what happened on a day to a customer counts for nothing, once a boundary was passed."""
    return max(day, boundary) >= since.get(customer_id, NEVER)


def last_words(
    life: Spoken, announced: Mapping[str, Sequence[int]], boundary: int, because: EndReason = "erased"
) -> Iterator[AlertV1]:
    """The ends of what somebody was told of and is open."""
    for signal in life.signals:
        one = life.episodes.get(signal.id)
        if one is not None and one.sent_ms >= 0:
            yield _end(
                life, signal, (one.start, one.revision + 1), (one.severity, one.owner), boundary, one.observed_ms,
                because,
            )  # fmt: skip
        for day in announced.get(signal.id, ()):
            over = max(boundary, day + 1)
            now_ms = life.basis.calendar.start_of(over)
            yield _end(life, signal, (day, 2), (signal.severity, signal.owner), over, now_ms, because)


def _end(
    life: Spoken, signal: Signal, of: tuple[int, int], held_by: tuple[AlertSeverity, str], boundary: int,
    observed_ms: int, because: EndReason,
) -> AlertV1:  # fmt: skip
    became = {"erased": "erased", "merged": "merged into another one"}[because]
    (start, revision), (severity, owner) = of, held_by
    text_of = life.basis.calendar.text_of
    return AlertV1(
        alert_id=alert_id(life.customer_id, signal.id, date_of(start)), revision=revision, status="resolved",
        signal=signal.id, polarity=signal.polarity, severity=severity, summary=f"Over: the customer was {became}.",
        customer_id=life.customer_id, stage=None, owner=owner, intervention="", playbook_url="",
        starts_at=text_of(start), observed_at=to_rfc3339(observed_ms), due_at=None, ends_at=text_of(boundary),
        score=None, threshold=None, drivers=(), clears_when="", value_at_risk=None, corroborated_by=(), model=None,
        catalogue=life.rules.hash, evidence=(), arm=None, historical=observed_ms < life.alerts_from_ms,
        ended_because=because,
    )  # fmt: skip


def receipt_for_nobody(said: Said, basis: Basis) -> ReceiptV1:
    """Of a command that counts once its customer is erased: done only if it asks for that."""
    told, salted = said.command, f"{basis.erasure_salt}\0{said.command.customer_id}"
    is_done = told.action == "erase"
    return ReceiptV1(
        command_id=told.id, action=told.action, customer_id="erased:" + sha256(salted.encode()).hexdigest()[:32],
        status="done" if is_done else "refused", reason=None if is_done else "erased", by=told.by,
        at=to_rfc3339(told.at_ms), effective_at=basis.calendar.text_of(said.boundary), note_id=told.note_id,
    )  # fmt: skip
