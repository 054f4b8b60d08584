"""Days of a zone: every instant of the contract lies in one, and none is lost at the ends."""

from __future__ import annotations

from zoneinfo import available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import DAY_MS, Calendar, date_of
from schemas.event_time import FIRST_MS, LAST_MS

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]
FURTHEST = [
    zone for zone in ("Etc/GMT+12", "Etc/GMT-14", "Pacific/Apia", "Africa/Monrovia") if zone in available_timezones()
]
instants = st.integers(FIRST_MS, LAST_MS) | st.sampled_from([FIRST_MS, FIRST_MS + 1, LAST_MS - 1, LAST_MS, DAY_MS])


@given(st.sampled_from([*ZONES, *FURTHEST]), instants)
def test_every_instant_of_the_contract_lies_in_its_day(zone: str, time_ms: int) -> None:
    calendar = Calendar(zone)
    day = calendar.day_of(time_ms)
    assert day >= 0
    assert calendar.start_of(day) <= time_ms < calendar.start_of(day + 1)
    assert calendar.days_of(np.array([time_ms])).tolist() == [day]


@given(st.sampled_from([*ZONES, *FURTHEST]), st.integers(-1_000, 48_000))
def test_every_day_has_a_text_that_leads_back_to_it(zone: str, day: int) -> None:
    calendar = Calendar(zone)
    text = calendar.text_of(day)
    assert text[:10] == date_of(day)
    assert Calendar.day_of_text(text) == day
    assert calendar.start_of(day) <= calendar.start_of(day + 1)


@pytest.mark.parametrize("zone", ["America/New_York", "Etc/GMT+12"])
def test_before_the_epoch_there_is_no_day_west_of_greenwich(zone: str) -> None:
    assert Calendar(zone).day_of(-1) < 0
    assert Calendar(zone).day_of(0) == 0


def test_a_day_that_a_zone_left_out_is_empty_and_has_a_text_of_its_own() -> None:
    apia = Calendar("Pacific/Apia")
    left_out = Calendar.day_of_text("2011-12-30")
    assert apia.start_of(left_out) == apia.start_of(left_out + 1)
    assert apia.text_of(left_out) != apia.text_of(left_out + 1)
