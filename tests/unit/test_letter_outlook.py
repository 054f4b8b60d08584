"""What would become of records set aside if they were posted again."""

from __future__ import annotations

from schemas.dead_letter import DeadLetter, Origin
from schemas.partitioner import partition_of
from streams.readback.dead_letters import judge
from streams.settings import Settings
from support.builders import DAY_MS, NOON_MS, line, login

SETTINGS = Settings(partitions=4)


def letter(
    value: bytes | None, *, topic: str = "churn.events.login", reason: str = "not_json", truncated: bool = False
) -> DeadLetter:
    origin = Origin(topic, 0, 7, NOON_MS)
    return DeadLetter(origin, "codec", reason, None, "", b"c1", value, [], truncated, len(value or b""), None)


def test_record_that_is_good_by_now_would_be_applied() -> None:
    future = letter(line(login()), reason="future")
    outlook = judge([future], settings=SETTINGS, late_before_ms={}, now_ms=NOON_MS)
    assert (outlook.fit, outlook.late, outlook.refused, outlook.incomplete) == ([future], 0, [], 0)


def test_lateness_is_judged_by_the_limit_of_the_keys_partition() -> None:
    mine = partition_of(b"c1", 4)
    fit = letter(line(login(at_ms=NOON_MS)), reason="future")
    reached = {mine: NOON_MS + 1, (mine + 1) % 4: NOON_MS - DAY_MS}
    assert judge([fit], settings=SETTINGS, late_before_ms=reached, now_ms=NOON_MS).late == 1
    reached[mine] = NOON_MS
    assert judge([fit], settings=SETTINGS, late_before_ms=reached, now_ms=NOON_MS).late == 0


def test_bad_records_would_be_refused_for_the_reason_they_have_now() -> None:
    letters = [letter(b"{"), letter(line(login()), reason="id_conflict"), letter(None)]
    outlook = judge(letters, settings=SETTINGS, late_before_ms={}, now_ms=NOON_MS)
    assert outlook.refused == letters
    assert outlook.reasons == {"not_json": 1, "id_conflict": 1, "empty": 1}


def test_cut_records_and_those_of_other_topics_are_never_posted() -> None:
    letters = [
        letter(b"{", truncated=True),
        letter(b"{}", topic="churn.ticks"),
        letter(b"{}", topic="acme.events.login"),
    ]
    outlook = judge(letters, settings=SETTINGS, late_before_ms={}, now_ms=NOON_MS)
    assert (outlook.incomplete, outlook.fit, outlook.refused) == (3, [], [])
