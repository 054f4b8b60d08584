"""`churn-signals alerts`: what is owed first, one line a customer; or every alert as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import click

from models.alerts.outages import signals_of_feeds
from models.catalogue.rules import Rules
from models.catalogue.suggestion import did_you_mean
from schemas.alert import AlertV1, encode_alert
from schemas.instant import from_rfc3339
from streams.cli.instant import SINCE
from streams.cli.number import NumberRange
from streams.clock import now_ms
from streams.console.alert_list import AlertList, print_list
from streams.console.alert_text import ended_text, refused_text
from streams.console.cases import Section, in_order, sections
from streams.errors import EXIT_DONE
from streams.files.catalogue_file import load_rules
from streams.readback.following import follow_alerts
from streams.readback.state import newest_alerts, open_alerts, restated_as_of_now
from streams.settings import Settings, environment_settings
from streams.text.plain import plain
from streams.text.terminal import complain, say, say_json, terminal
from streams.text.wording import moment

EXAMPLES = """\b
Examples:
  churn-signals alerts --open
  churn-signals alerts --open --owner Retention --past-due --min-value 500
  churn-signals alerts --open --signal loyal_gone_silent --explain
  churn-signals alerts --follow --since 2h
  churn-signals alerts --follow --json | jq .summary
"""

NOT_KEPT_YET: Final = (
    "this may be less than all: no midnight is kept yet of the customers concerned, or there are none. While a worker "
    "works off what was posted, `churn-signals watch` shows how far it is."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alerts are wanted."""

    signals: tuple[str, ...]
    owners: tuple[str, ...]
    past_due: bool
    min_value: float | None

    def of(self, alerts: Iterable[AlertV1], at_ms: int) -> list[Section]:
        """Sections of those wanted; what is not known to be worth so much is not."""
        found = sections(alert for alert in alerts if self._wants(alert, at_ms))
        least = self.min_value
        return found if least is None else [section.worth_at_least(least) for section in found]

    def _wants(self, alert: AlertV1, at_ms: int) -> bool:
        if (self.signals and alert.signal not in self.signals) or (self.owners and alert.owner not in self.owners):
            return False
        return not self.past_due or _is_past_due(alert, at_ms)


@click.command(epilog=EXAMPLES)
@click.option("--open", "only_open", is_flag=True, help="Only alerts that are not over.")
@click.option("--signal", "signals", multiple=True, help="Only these signals.")
@click.option("--owner", "owners", multiple=True, help="Only what these owners must answer.")
@click.option("--past-due", is_flag=True, help="Only what should have been answered by now.")
@click.option("--min-value", type=NumberRange(min=0), help="Only customers worth so much, in the list's measure.")
@click.option("--all", "everything", is_flag=True, help="List as well what is only counted: history, good news, over.")
@click.option("--limit", type=click.IntRange(min=1), help="So many lines at most.")
@click.option("--explain", is_flag=True, help="With each line what to do, why, and what ends it, in numbers.")
@click.option("--as-published", is_flag=True, help="In the words of the day they were published; reads no state.")
@click.option("--follow", is_flag=True, help="Every revision as it comes, from now on, until Ctrl-C.")
@click.option("--since", type=SINCE, metavar="TIME", help="With --follow: from then on, as 2h, 7d or an RFC 3339 time.")
@click.option("--json", "as_json", is_flag=True, help="One alert a line, as on the topic.")
def alerts(
    *,
    only_open: bool,
    everything: bool,
    limit: int | None,
    explain: bool,
    as_published: bool,
    follow: bool,
    since: int | None,
    as_json: bool,
    **choice: Any,
) -> int:
    """Read the alerts: what is owed first, by deadline and value, one line a customer.

    Texts and amounts are those of the last boundary. Several alerts for one trouble are one case, and its most urgent
    one leads. What was decided about a time before anybody was to answer, and good news, stand apart.
    """
    settings = environment_settings()
    if since is not None and not follow:
        raise click.UsageError("--since goes with --follow")
    rules = load_rules(settings)
    chosen = Choice(**choice)
    if follow:
        _check_known(chosen, rules, [])
        return _follow(settings, rules, chosen, since, only_open=only_open, as_json=as_json)
    found = open_alerts(settings) if only_open else newest_alerts(settings)
    _check_known(chosen, rules, found)
    boundary = None
    if not (as_json or as_published):
        found, boundary = _as_of_now(settings, rules, found)
    at_ms = now_ms()
    parts = [part for part in chosen.of(found, at_ms) if not (only_open and part.kind == "over")]
    if as_json:
        for alert in [alert for part in parts for alert in in_order(part.alerts, part.measure)][:limit]:
            say_json(encode_alert(alert))
        return EXIT_DONE
    as_of = None if boundary is None else rules.basis.calendar.start_of(boundary)
    shown = AlertList(parts, rules.basis.calendar.zone, at_ms, as_of, rules)
    print_list(terminal(), shown, limit=limit, everything=everything, explain=explain)
    return EXIT_DONE


def _as_of_now(settings: Settings, rules: Rules, found: list[AlertV1]) -> tuple[list[AlertV1], int | None]:
    """Alerts as of the last boundary, and that boundary. Before one is kept, silence must not look like good news."""
    told, boundary = restated_as_of_now(settings, rules, found)
    if boundary is None:
        complain(NOT_KEPT_YET)
    return told, boundary


def _check_known(choice: Choice, rules: Rules, found: list[AlertV1]) -> None:
    """A name mistyped must not look like good news. Raises BadParameter."""
    raised = (*rules.signals, *signals_of_feeds(rules))
    pairs = [*((one.id, one.owner) for one in raised), *((one.signal, one.owner) for one in found)]
    known = {
        "--signal": [*dict.fromkeys(signal for signal, _ in pairs)],
        "--owner": [*dict.fromkeys(owner for _, owner in pairs)],
    }
    for option, names, noun in (("--signal", choice.signals, "signal"), ("--owner", choice.owners, "owner")):
        for name in names:
            if name not in known[option]:
                raise click.BadParameter(
                    f"{name} is no {noun} of the catalogue. {did_you_mean(name, known[option])}"
                    f"It has {', '.join(known[option])}.",
                    param_hint=option,
                )


def _follow(
    settings: Settings, rules: Rules, choice: Choice, since: int | None, *, only_open: bool, as_json: bool
) -> int:
    zone = rules.basis.calendar.zone
    try:
        for alert in follow_alerts(settings, since):
            if any(part.alerts for part in choice.of([alert], now_ms())) and (alert.is_open or not only_open):
                say_json(encode_alert(alert)) if as_json else say(plain(_line(alert, zone)))
    except KeyboardInterrupt:
        pass
    return EXIT_DONE


def _is_past_due(alert: AlertV1, at_ms: int) -> bool:
    return alert.is_owed and from_rfc3339(alert.due_at or "") < at_ms


def _line(alert: AlertV1, zone: str) -> str:
    due = f", due {moment(alert.due_at, zone)}" if alert.due_at and alert.is_open else ""
    due = ", historical" if alert.historical and alert.is_open else due
    status = alert.status if alert.is_open else ended_text(alert)
    head = f"{moment(alert.observed_at, zone)}  {alert.severity} {alert.signal} {status}"
    mute = f", {refused_text(alert.do_not_contact).plain}" if alert.do_not_contact and alert.is_open else ""
    return f"{head}: customer {alert.customer_id}: {alert.summary} [{alert.owner}{due}{mute}]"
