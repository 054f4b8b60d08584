"""What came of experiments that were never made: outcomes in one line, and many at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from schemas.alert import Arm
from schemas.outcome import OutcomeV1


def outcome(
    number: int,
    arm: Arm,
    came_back: bool,  # noqa: FBT001 - read as the third word of what came of it
    *,
    customer: str | None = None,
    day: str = "2026-02-03",
    **more: Any,
) -> OutcomeV1:
    """The outcome of trial number so and so, of a customer of its own unless one is named."""
    given: dict[str, Any] = {
        "alert_id": f"{number:032x}", "customer_id": customer or f"c{number}", "signal": "loyal_gone_silent",
        "arm": arm, "starts_at": f"{day}T00:00:00Z", "at": "2026-06-01T00:00:00Z", "horizon_days": 60,
        "came_back": came_back, "stage": "lapsed", "catalogue": "0" * 16,
    }  # fmt: skip
    return OutcomeV1(**(given | more))


def counted(treated: tuple[int, int], holdout: tuple[int, int], first: int = 0, **more: Any) -> list[OutcomeV1]:
    """As many outcomes as two shares need, each given as (came back, of)."""
    flags = [("treated", treated), ("holdout", holdout)]
    every = [(arm, place < back) for arm, (back, of) in flags for place in range(of)]
    return [outcome(first + at, arm, back, **more) for at, (arm, back) in enumerate(every)]  # type: ignore[arg-type] # its two names


def drawn(rng: Random, trials: Iterable[tuple[str, float, float]], held_out: float, **more: Any) -> Iterator[OutcomeV1]:
    """Outcomes of (customer, chance to come back, what telling adds), each in an arm at random."""
    for number, (customer, base, added) in enumerate(trials):
        arm: Arm = "holdout" if rng.random() < held_out else "treated"
        back = rng.random() < base + (added if arm == "treated" else 0)
        yield outcome(number, arm, back, customer=customer, **more)
