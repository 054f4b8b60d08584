"""`customer`: as of the last boundary, what came since as today's, cases, and statistics only when asked for."""

from __future__ import annotations

from io import StringIO
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import DAY_MS, date_of
from models.engine.replay import Replay
from schemas.event import Event
from schemas.suppressed import Rule
from streams.cli.customer import customers_as_of, summary
from streams.console.customer_page import DEEDS, HOLDS, CustomerPage, print_page, since_lines
from streams.text.terminal import terminal
from support.boards import TODAY, alert
from support.builders import event, purchase, ticket
from support.troubled import default_rules

NOW_MS = TODAY * DAY_MS + 15 * 3_600_000


def page(events: list[Event], *alerts: Any, ended: tuple[Any, ...] = (), until_ms: int = NOW_MS) -> CustomerPage:
    replay = Replay(default_rules(), 1)
    for one in sorted(events, key=lambda one: (one.time_ms, one.feed)):
        replay.take(one)
    replay.until(until_ms)
    (partition,) = replay.partitions
    row = partition.customers.roster.row_of("c1")
    assert row is not None
    return CustomerPage(summary(partition, row, customers_as_of(partition)), alerts, ended, None, "UTC", NOW_MS)


def printed(shown: CustomerPage, *, explain: bool = False) -> str:
    out = StringIO()
    print_page(terminal(file=out, width=100), shown, explain=explain)
    return out.getvalue()


def history(*today: Event) -> list[Event]:
    past = [purchase("c1", (TODAY - days) * DAY_MS + 1, amount=25.0, currency="USD") for days in (400, 40, 10)]
    return [*past, *today]


def test_what_came_today_is_called_todays_and_is_not_in_the_numbers_yet() -> None:
    shown = page(
        history(
            purchase("c1", TODAY * DAY_MS + 5, amount=19.5, currency="USD", id="p-today"),
            event("login", "c1", TODAY * DAY_MS + 6, id="l1"),
            ticket("c1", TODAY * DAY_MS + 7, "opened", category="billing", ticket_id="t1", id="t1"),
            ticket("c1", TODAY * DAY_MS + 8, "reopened", category="billing", ticket_id="t1", id="t2"),
        )
    )
    text = printed(shown)
    assert "as of 16 Feb 2026, 00:00 UTC" in text
    assert (
        "today: 1 purchase for 19.50 USD, 1 login, 1 billing ticket, 1 ticket reopened (not judged yet)"
    ) in " ".join(text.split())
    numbers = shown.summary["numbers"]
    assert numbers["purchases so far"] == 3
    assert numbers["purchases in the last 365 days"] == 2
    assert numbers["spend in the last 365 days (USD)"] == 50.0
    assert numbers["days since the last purchase"] == 9


def test_a_customer_of_today_is_not_judged_yet_and_nothing_of_it_is_zero() -> None:
    shown = page(
        [purchase("c1", TODAY * DAY_MS + 5, amount=1.0, currency="USD"), event("login", "c0", (TODAY - 3) * DAY_MS)]
    )
    text = printed(shown)
    assert "customer c1: not judged yet" in text
    assert "at risk" not in text
    assert set(shown.summary["numbers"].values()) == {None}
    assert "unknown" in text
    assert not any(line.rstrip().endswith(" 0") for line in text.splitlines())


def test_a_boundary_that_is_days_old_says_so() -> None:
    text = printed(page(history(), until_ms=(TODAY - 6) * DAY_MS + 4 * 3_600_000))
    assert "6 days behind the clock (`churn-signals doctor` says whether a worker runs)" in " ".join(text.split())


def test_statistics_are_shown_only_when_asked_for() -> None:
    shown = page(history(), alert("c1"))
    words = ("z-score", "slope", "score", "weight", "threshold")
    assert not any(word in printed(shown) for word in words)
    assert all(word in printed(shown, explain=True) for word in ("z-score", "slope", "score 1, threshold 1"))


def test_alerts_of_one_case_stand_together_led_by_the_most_urgent() -> None:
    mild = alert("c1", "usage_drop", severity="warning", case_id="k", owner="Product")
    shown = page(
        history(), mild, alert("c1", case_id="k"), alert("c1", "reactivated", polarity="positive", due_at=None)
    )
    lines = [line for line in printed(shown).splitlines() if ": " in line]
    assert lines.index("loyal_gone_silent: loyal_gone_silent of c1.") < lines.index(
        "  same case: usage_drop: usage_drop of c1."
    )
    assert any(line.startswith("  Retention, by 18 Feb 00:00: ") for line in lines)
    assert not any("Product" in line for line in lines)


@given(st.dictionaries(st.sampled_from([*DEEDS, "purchases"]), st.integers(1, 3), min_size=1))
def test_every_deed_is_counted_in_words_with_its_noun(counts: dict[str, int]) -> None:
    since = {date_of(TODAY): {**counts, "minor": 100}}
    (line,) = since_lines(CustomerPage({"since": since, "currency": "USD"}, (), (), None, "UTC", NOW_MS))
    text = line.plain
    assert text.startswith("today: ")
    assert text.count(",") == len(counts) - 1
    for name, noun in [*DEEDS.items(), ("purchases", "purchase")]:
        if name in counts:
            head = noun.split()[0] if noun.endswith(("ed", "sent")) else noun
            assert f"{counts[name]} {head}{'' if counts[name] == 1 else 's'}" in text


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_are_those_of_the_zone(zone: str) -> None:
    shown = page(history(), alert("c1"))
    text = printed(CustomerPage(shown.summary, shown.alerts, (), None, zone, NOW_MS))
    assert ("by 18 Feb 00:00" in text) == (zone == "UTC")
    assert ("by 17 Feb 19:00" in text) == (zone != "UTC")


def test_what_became_of_alerts_that_are_over_is_said_in_a_line_each() -> None:
    over = [
        alert("c1", "usage_drop", day=TODAY - 9, ends=TODAY - at, ended_because=reason)
        for at, reason in ((1, "came_back"), (2, "lost"), (3, None), (4, "solved"), (5, "expired"), (6, "solved"))
    ]
    text = printed(page(history(), ended=tuple(over)))
    assert "no open alerts" in text
    assert "ended 15 Feb 2026: usage_drop: came back (usage_drop of c1.)" in text
    assert "ended 14 Feb 2026: usage_drop: lost (" in text
    assert "ended 13 Feb 2026: usage_drop: resolved (" in text  # of a version that wrote no reason
    assert "and 1 that ended before" in text


def test_what_waits_is_said_with_the_reason_and_until_when() -> None:
    shown = page(history())
    held = [
        {
            "signal": "usage_drop",
            "severity": "warning",
            "starts_at": "2026-02-15T00:00:00Z",
            "rule": rule,
            "passes_at": at,
        }
        for rule, at in (("capped", "2026-02-20T00:00:00Z"), ("opted_out", None))
    ]
    text = printed(CustomerPage({**shown.summary, "held": held}, (), (), None, "UTC", NOW_MS))
    lately = "there was a suggestion to contact the customer lately, not before 20 Feb 2026, 00:00 UTC"
    assert f"not sent: usage_drop (warning, since 15 Feb 2026): {lately}" in text
    assert "not sent: usage_drop (warning, since 15 Feb 2026): the customer has opted out\n" in text
    assert "no open alerts" not in text


def test_each_rule_that_may_hold_an_alert_is_said_in_words_but_experiments_of_which_nobody_is_to_know() -> None:
    assert HOLDS.keys() == {*get_args(Rule)} - {"held_out"}
