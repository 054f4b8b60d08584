"""The summary as a page for people."""

from __future__ import annotations

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from demo.story import Story
from demo.summary import DemoEvidence, DemoSummary
from streams.text.terminal import Terminal, styled


def print_summary(console: Terminal, story: Story, summary: DemoSummary, evidence: DemoEvidence) -> None:
    """The page for people."""
    base = summary.customers - summary.stages.get("churned", 0)
    money = ", ".join(f"{value:,.0f} {currency} a year" for currency, value in summary.spend_at_risk.items())
    console.print()
    share = f": {summary.at_risk_now / max(base, 1):.1%} of the {base:,} who have not churned, "
    count = (f" {summary.at_risk_now:,} ", "bold white on red")
    console.print(styled(count, (" customers at risk now", "bold"), share, (money, "bold")))
    console.print()
    console.print(_tables(story, summary))
    _print_title(console, "who first, and why")
    for number, customer in enumerate(summary.top_at_risk, start=1):
        about = f", {customer.stage or 'new'}, {customer.spend:,.2f} {customer.currency} in a year"
        console.print(styled(f"{number}. ", (f"customer {customer.customer_id}", "bold"), about))
        for reason in customer.reasons:
            due = f", due {reason.due_at[:10]}" if reason.due_at else ""
            told = styled((reason.signal, "red"), f" ({reason.owner}{due}): {reason.summary}")
            console.print(Padding.indent(told, 3))
        first = customer.reasons[0]
        ends = (("Ends with:", "dim"), f" {first.clears_when}.")
        console.print(Padding.indent(styled(("first:", "dim"), f" {first.intervention} ", *ends), 3))
    _print_title(console, "does it add up?")
    for line in _checks(summary, evidence):
        console.print(line)
    feeds = ", ".join(f"{count:,} {feed}" for feed, count in story.counts().items())
    console.print(
        f"\n{summary.events_posted:,} events ({feeds}) of {story.days} days in {summary.seconds:.0f} s; "
        f"{summary.events_per_second:,.0f} events/s through one worker while `replay` ran beside it"
    )


def _tables(story: Story, summary: DemoSummary) -> Table:
    stages = Table("stage", "customers", box=None, pad_edge=False, header_style="bold cyan")
    stages.columns[1].justify = "right"
    for stage, count in summary.stages.items():
        stages.add_row(stage, f"{count:,}")
    alerts = Table(f"alerts in {story.days} days", "", box=None, pad_edge=False, header_style="bold cyan")
    alerts.columns[1].justify = "right"
    for signal, count in sorted(summary.alerts.items(), key=lambda item: -item[1]):
        alerts.add_row(signal, f"{count:,}")
    both = Table.grid(padding=(0, 6))
    both.add_row(stages, alerts)
    return both


def _print_title(console: Terminal, text: str) -> None:
    console.print()
    console.print(styled((text, "bold cyan")))


def _checks(summary: DemoSummary, evidence: DemoEvidence) -> list[Text]:
    def line(*, is_well: bool, text: str) -> Text:
        return styled(("yes", "green") if is_well else ("NO ", "bold red"), f"  {text}")

    counted = summary.events_applied + summary.duplicates + summary.late + summary.dead_lettered
    return [
        line(
            is_well=counted == summary.events_posted,
            text=f"{summary.events_posted:,} events posted: {summary.events_applied:,} applied, {summary.duplicates} "
            f"duplicates, {summary.late} late, {summary.dead_lettered} dead letters",
        ),
        line(
            is_well=evidence.equal_alerts.is_equal,
            text=f"alerts equal `replay`, id by id: {evidence.replayed['revisions']:,} revisions of "
            f"{summary.alerts_total:,} alerts",
        ),
        line(
            is_well=evidence.equal_stages.is_equal,
            text=f"changes of stage equal `replay`: {evidence.replayed['transitions']:,}",
        ),
    ]
