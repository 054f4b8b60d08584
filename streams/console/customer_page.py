"""One customer as a page for a terminal: what is so as of the last boundary, what came since, and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from models.catalogue.currencies import amount_of, digits_of
from models.catalogue.rules import Rules
from models.measures.course import Course
from schemas.alert import AlertV1
from schemas.instant import from_rfc3339
from streams.console.alert_list import print_came_true
from streams.console.alert_text import QUIET, causes, ended_text, refused_text, signal_text, what_to_do
from streams.console.cases import Case, Section, sections
from streams.console.course_plot import draw_course
from streams.text.plain import plain
from streams.text.terminal import Terminal
from streams.text.wording import as_of, counted, moment, written_date, written_day

UNKNOWN: Final = "unknown"

MOST_ENDED: Final = 5
"""Alerts that are over, in a line each: what became of the last ones, not a history."""
DEEDS: Final[Mapping[str, str]] = {
    "logins": "login",
    "complaint": "complaint",
    "billing": "billing ticket",
    "delivery": "delivery ticket",
    "return": "return",
    "other": "other ticket",
    "reopened": "ticket reopened",
    "resolved": "ticket resolved",
    "clicked": "e-mail clicked",
    "opened": "e-mail opened",
    "sent": "e-mail sent",
    "unsubscribed": "unsubscription",
    "complained": "spam complaint",
    "bounced": "e-mail bounced",
}
"""What is counted of a day besides purchases, as one of it is called."""
HOLDS: Final[Mapping[str, str]] = {
    "opted_out": "the customer has opted out",
    "snoozed": "its signal is snoozed",
    "feed_down": "a feed of whose silence it may come is down, or was",
    "capped": "there was a suggestion to contact the customer lately",
}
"""Why an open alert was not sent, by the rule that holds it."""


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """`summary` as `customer --json` has it; alerts in the words of the last boundary; times in a zone."""

    summary: Mapping[str, Any]
    alerts: Sequence[AlertV1]
    ended: Sequence[AlertV1]
    """Those that ended and are still on the topic, the newest first."""
    past: Course | None
    zone: str
    now_ms: int
    rules: Rules | None = None
    """The catalogue, where it says how often alerts came true."""


def print_page(console: Terminal, page: CustomerPage, *, explain: bool) -> None:
    """Print it; statistics only when asked for."""
    console.print(_headline(page), soft_wrap=True)
    for text in since_lines(page):
        console.print(text, soft_wrap=True)
    numbers = dict(page.summary["numbers"])
    if explain:
        numbers |= page.summary["statistics"]
    console.print(_table(numbers, digits_of(page.summary["currency"])))
    if page.past is not None:
        console.print()
        console.print(draw_course(page.past), no_wrap=True, overflow="crop")
    _print_alerts(console, page, explain=explain)


def _headline(page: CustomerPage) -> Text:
    summary = page.summary
    text = Text.assemble("customer ", (plain(str(summary["customer_id"])), "bold"), ": ")
    if summary["stage"] is None:
        why = (
            "no day of this customer is closed yet" if summary["as_of"] else "no midnight of event time has passed yet"
        )
        return text.append(f"not judged yet ({why})")
    risk = "at risk" if summary["at_risk"] else "not at risk"
    when = as_of(from_rfc3339(summary["as_of"]), page.zone, page.now_ms)
    text.append(f"{summary['stage']} since {written_day(summary['stage_since'])}, {risk}, {when}")
    if summary["do_not_contact"]:
        text.append("\n").append_text(refused_text(summary["do_not_contact"]))
    return text


def since_lines(page: CustomerPage) -> Iterator[Text]:
    """What came since the last boundary, a line a day: it is there, and counts from that day's midnight on."""
    today = written_date(page.now_ms, page.zone)
    for date, counts in page.summary["since"].items():
        name = "today" if written_day(date) == today else written_day(date)
        deeds = ", ".join(_deeds(counts, page.summary["currency"]))
        yield Text.assemble((f"{name}: ", "bold"), deeds, (" (not judged yet)", QUIET))


def _deeds(counts: Mapping[str, int], currency: str) -> Iterator[str]:
    if purchases := counts.get("purchases"):
        spend = f" for {amount_of(counts.get('minor', 0), currency):,.{digits_of(currency)}f} {currency}"
        if unrated := counts.get("unrated"):
            spend += f", {unrated:,} of them without a rate of its currency"
        yield counted(purchases, "purchase") + spend
    for name, noun in DEEDS.items():
        if count := counts.get(name):
            yield _plural(count, noun)


def _plural(count: int, noun: str) -> str:
    """The noun of "ticket reopened" is its first word."""
    head, _, rest = noun.rpartition(" ") if noun.endswith(("ed", "sent")) else ("", "", noun)
    return f"{counted(count, head)} {rest}" if head else counted(count, noun)


def _table(numbers: Mapping[str, Any], digits: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in numbers.items():
        if name == "first activity":
            shown = UNKNOWN if value is None else written_day(value)
        elif "spend" in name:
            shown = UNKNOWN if value is None else f"{value:,.{digits}f}"
        else:
            shown = UNKNOWN if value is None else f"{value:,g}" if isinstance(value, int) else f"{value:,.2f}"
        table.add_row(Text(name), shown)
    return table


def _print_alerts(console: Terminal, page: CustomerPage, *, explain: bool) -> None:
    for section in sections(page.alerts):
        for line in section.lines:
            for case in line.cases:
                console.print()
                _print_case(console, page, section, case, explain=explain)
    held = page.summary["held"]
    if not page.alerts and not held:
        console.print("no open alerts")
    if held:
        console.print()
    for one in held:
        console.print(_held_line(one, page), soft_wrap=True)
    if page.ended:
        console.print()
    for alert in page.ended[:MOST_ENDED]:
        console.print(_ended_line(alert, page.zone), soft_wrap=True)
    if len(page.ended) > MOST_ENDED:
        console.print(Text(f"and {len(page.ended) - MOST_ENDED:,} that ended before", QUIET))


def _held_line(held: Mapping[str, Any], page: CustomerPage) -> Text:
    """An open alert that nobody was told of, what holds it, and until when."""
    reason = HOLDS.get(held["rule"], str(held["rule"]).replace("_", " "))
    until = "" if held["passes_at"] is None else f", not before {moment(held['passes_at'], page.zone)}"
    since = written_day(held["starts_at"])
    return Text.assemble(
        ("not sent: ", QUIET), plain(f"{held['signal']} ({held['severity']}, since {since}): {reason}{until}")
    )


def _ended_line(alert: AlertV1, zone: str) -> Text:
    """What became of an alert, and when."""
    head = f"ended {written_date(alert.ends_at or alert.observed_at, zone)}: "
    return Text.assemble(
        (head, QUIET), plain(f"{alert.signal}: {ended_text(alert)}"), (plain(f" ({alert.summary})"), QUIET)
    )


def _print_case(console: Terminal, page: CustomerPage, section: Section, case: Case, *, explain: bool) -> None:
    """The alert that leads with what to do; the others of the same trouble in a line each."""
    for number, alert in enumerate(case):
        title = Text("  same case: ", QUIET) if number else Text()
        title.append_text(signal_text(alert)).append(plain(f": {alert.summary}"))
        console.print(title, soft_wrap=True)
        if number == 0:
            console.print(what_to_do(alert, page.zone, page.now_ms, section.measure), soft_wrap=True)
            print_came_true(console, page.rules, alert)
        if explain:
            console.print(causes(alert), soft_wrap=True)
