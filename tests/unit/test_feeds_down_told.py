"""What `doctor` and `ack` say of feeds that are down."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from models.alerts.partitions import outage_id
from models.calendar import date_of
from schemas.alert import AlertV1
from schemas.event import LOGIN
from streams.cli.commanding import others_of_case
from streams.diagnosis.outages import outages_among
from streams.text.wording import written_date
from support.boards import TODAY, alert, instant
from support.troubled import default_rules

PARTITIONS: Final = 6
RULES: Final = default_rules()


def of_feed(feed: str, partition: int, day: int, **more: Any) -> AlertV1:
    told = alert(f"feed:{feed}", "feed_outage", day=day, **more)
    return replace(told, alert_id=outage_id(told.customer_id, partition, date_of(day)))


def test_feed_partitions_since_when_and_what_is_owed_are_in_a_line_for_each_feed() -> None:
    first, later = of_feed("login", 4, TODAY - 1), of_feed("login", 1, TODAY - 2)
    taken = of_feed("email", 0, TODAY, acknowledged_at=instant(TODAY))
    found = list(outages_among([first, taken, alert(), later], RULES, PARTITIONS))
    assert {(one.subject, one.level) for one in found} == {("feeds", "warning")}
    mail, logins = (one.text for one in found)
    assert mail.startswith("email is down in partition 0 since ")
    assert mail.endswith("No answer is owed")
    assert logins.startswith(f"login is down in partitions 1, 4 since {written_date(instant(TODAY - 2), 'UTC')}: ")
    assert f"alerts of {RULES.held_by(LOGIN)} signals are held" in logins
    assert logins.endswith(f"`churn-signals ack`, once for each of {later.alert_id[:8]} {first.alert_id[:8]}")


def test_who_takes_one_on_is_told_of_the_other_partitions() -> None:
    one, other, taken = (of_feed("login", partition, TODAY, case_id="a" * 32) for partition in (0, 3, 5))
    taken = replace(taken, acknowledged_at=instant(TODAY))
    elsewhere = of_feed("email", 2, TODAY, case_id="b" * 32)
    told = others_of_case(one, [one, other, taken, elsewhere])
    assert told is not None
    assert "1 more alert of the same case" in told
    assert told.endswith(f"each by itself: {other.alert_id[:8]}")
    assert others_of_case(one, [one, taken, elsewhere]) is None


def test_nothing_is_said_where_no_feed_is_down() -> None:
    assert list(outages_among([alert()], RULES, PARTITIONS)) == []
