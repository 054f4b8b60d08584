"""`churn-signals alerts`: the alerts, the highest revision of each."""

from __future__ import annotations

import click

from models.catalogue.rules import Rules
from models.catalogue.suggestion import did_you_mean
from schemas.alert import URGENCY, AlertV1, encode_alert
from streams.alert_text import STYLES, what_to_do
from streams.catalogue_file import load_rules
from streams.errors import EXIT_DONE
from streams.plain import plain
from streams.settings import environment_settings
from streams.snapshot import newest_alerts, open_alerts, read_alerts
from streams.terminal import say, say_json, styled, terminal
from streams.wording import counted


@click.command(
    epilog="\b\nExamples:\n  churn-signals alerts --open\n  churn-signals alerts --follow --json | jq .summary"
)
@click.option("--open", "only_open", is_flag=True, help="Only alerts that are not over.")
@click.option("--follow", is_flag=True, help="Every revision as it comes, until Ctrl-C.")
@click.option("--signal", "signals", multiple=True, help="Only these signals.")
@click.option("--limit", type=click.IntRange(min=1), help="So many at most, most urgent first.")
@click.option("--json", "as_json", is_flag=True, help="One alert a line, as on the topic.")
def alerts(*, only_open: bool, follow: bool, signals: tuple[str, ...], limit: int | None, as_json: bool) -> int:
    """Read the alerts: the highest revision of each, most urgent first."""
    settings = environment_settings()
    if follow:
        for alert in read_alerts(settings, is_following=True):
            if _is_wanted(alert, signals, only_open=only_open):
                say_json(encode_alert(alert)) if as_json else say(plain(_line(alert)))
        return EXIT_DONE
    found = open_alerts(settings) if only_open else newest_alerts(settings)
    wanted = [alert for alert in found if _is_wanted(alert, signals, only_open=only_open)]
    wanted.sort(key=_urgency)
    if not wanted:
        _check_known(signals, load_rules(settings))
    shown = wanted[:limit]
    if as_json:
        for alert in shown:
            say_json(encode_alert(alert))
        return EXIT_DONE
    _print(shown, len(wanted))
    return EXIT_DONE


def _check_known(signals: tuple[str, ...], rules: Rules) -> None:
    """A name mistyped must not look like good news. Raises BadParameter."""
    known = [signal.id for signal in rules.signals]
    for name in signals:
        if name not in known:
            raise click.BadParameter(
                f"{name} is no signal of the catalogue. {did_you_mean(name, known)}It has {', '.join(known)}.",
                param_hint="--signal",
            )


def _is_wanted(alert: AlertV1, signals: tuple[str, ...], *, only_open: bool) -> bool:
    return (not only_open or alert.is_open) and (not signals or alert.signal in signals)


def _urgency(alert: AlertV1) -> tuple[bool, bool, int, str, str]:
    """Open before over, then who can still be kept, then by severity and by deadline."""
    return (
        not alert.is_open,
        alert.stage == "churned",
        URGENCY[alert.severity],
        alert.due_at or "9",
        alert.alert_id,
    )


def _line(alert: AlertV1) -> str:
    due = f", due {alert.due_at}" if alert.due_at else ""
    head = f"{alert.observed_at} {alert.severity} {alert.signal} {alert.status}"
    return f"{head} {alert.customer_id}: {alert.summary} [{alert.owner}{due}]"


def _print(shown: list[AlertV1], total: int) -> None:
    console = terminal(soft_wrap=True)
    for alert in shown:
        style = STYLES[alert.severity]
        stage = f", {alert.stage}" if alert.stage else ""
        stage += "; historical: nobody's duty" if alert.historical and alert.is_open else ""
        head = f" {alert.status}: customer {alert.customer_id}{stage}"
        console.print(styled((alert.severity, style), " ", (alert.signal, "bold"), head))
        console.print(styled(f"  {alert.summary}"))
        console.print(what_to_do(alert))
    console.print(f"{len(shown):,} of {total:,} alerts shown" if len(shown) < total else counted(total, "alert"))
