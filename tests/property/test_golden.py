"""What is decided about seeded histories stays the same, byte by byte.

The hashes are those of the engine that this one replaced, which held a record for each customer: computed there and
here, over the same events, they are the same; but alerts and states say more since (what became of an alert, who must
not be contacted, what people answered, what was escalated, who is held out, who was contacted), and the hash of the
catalogue on alerts and stages changes with every word of it. A change of one means that some customer gets another
alert, stage, lesson or state than before. Where that is wanted, say in the commit which and why, and pin the new one;
where it is not, the reference (test_reference.py) says for small histories what is right.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Final

import msgspec
import orjson
import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import without_model, without_outages
from models.engine.learning_replay import LearningReplay
from models.engine.replay import Replay
from schemas.instant import from_rfc3339
from streams.simulation.population import World, simulate
from support.builders import DAY_MS
from support.histories import Size, history
from support.troubled import catalogue

KINDS: Final = {
    "AlertV1": "alerts",
    "StageChangeV1": "stages",
    "LessonV1": "lessons",
    "SuppressedV1": "suppressed",
    "OutcomeV1": "outcomes",
}
AHEAD_MS: Final = 40 * DAY_MS
"""How long the clock runs on behind the last event."""


def hashes(replay: Replay) -> dict[str, str]:
    """Of the sorted lines of everything that was decided, by kind."""
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    for message in replay.drain():
        lines[KINDS.get(type(message).__name__, "")].append(msgspec.json.encode(message))
    lines.pop("", None)  # progress markers: of them there may be more
    lines["states"] = [orjson.dumps(state) for state in replay.states()]
    return {kind: hashlib.sha256(b"\n".join(sorted(of))).hexdigest()[:16] for kind, of in lines.items()}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (
            "UTC",
            {
                "alerts": "a5d869bafb53daef",
                "stages": "9771a339fbdda8a4",
                "states": "4150622a687f861a",
                "suppressed": "d6ad8339d13517b9",
                "outcomes": "16161f59a6b65082",
            },
        ),
        (
            "Europe/Berlin",
            {
                "alerts": "33f649be125e36ef",
                "stages": "b985b19cdb030cc9",
                "states": "fab9ac1db640470a",
                "suppressed": "d877ebfd1fc0569d",
                "outcomes": "8f840d80fe8601d4",
            },
        ),
    ],
)
def test_what_is_decided_by_rules_is_what_it_always_was(zone: str, expected: dict[str, str]) -> None:
    replay = Replay(without_outages(without_model(build_rules(catalogue(), zone=zone))), 2)
    events = history(Size(4_000, 250, 150), seed=3)
    for event in events:
        replay.take(event)
    replay.until(events[-1].time_ms + AHEAD_MS)
    assert hashes(replay) == expected


def test_what_is_learned_and_decided_by_a_model_is_what_it_always_was() -> None:
    replay = LearningReplay(without_outages(build_rules(catalogue())), 1)
    events, _ = simulate(World(customers=420, days=240, seed=11, start_ms=from_rfc3339("2025-01-01T00:00:00Z")))
    for event in events:
        replay.take(event)
    assert hashes(replay) == {
        "alerts": "4079d70200e99891",
        "lessons": "6570979d3bf62f8f",
        "stages": "53dc00f38d68f5d1",
        "states": "1752962ae3c50735",
        "suppressed": "1c55412a9ef12ed8",
        "outcomes": "3aeefe5fec328db8",
    }
