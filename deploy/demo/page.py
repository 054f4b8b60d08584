"""The summary as a page for people."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from demo.story import Story
from demo.summary import Evidence, Summary


def print_summary(console: Console, story: Story, summary: Summary, evidence: Evidence) -> None:
    """The page for people."""
    base = summary.customers - summary.stages.get("churned", 0)
    money = ", ".join(f"{value:,.0f} {currency} a year" for currency, value in summary.spend_at_risk.items())
    console.print()
    console.print(
        f"[bold white on red] {summary.at_risk_now:,} [/] [bold]customers at risk now[/bold]: "
        f"{summary.at_risk_now / max(base, 1):.1%} of the {base:,} who have not churned, [bold]{money}[/bold]"
    )
    console.print()
    console.print(_tables(story, summary))
    console.print("\n[bold cyan]who first, and why[/]")
    for number, customer in enumerate(summary.top_at_risk, start=1):
        console.print(
            f"{number}. [bold]customer {customer.customer_id}[/], {customer.stage or 'new'}, "
            f"{customer.spend:,.2f} {customer.currency} in a year"
        )
        for reason in customer.reasons:
            due = f", due {reason.due_at[:10]}" if reason.due_at else ""
            told = f"[red]{reason.signal}[/] ({reason.owner}{due}): {reason.summary}"
            console.print(Padding.indent(told, 3))
        first = customer.reasons[0]
        console.print(Padding.indent(f"[dim]first:[/] {first.intervention} [dim]Ends with:[/] {first.clears_when}.", 3))
    console.print("\n[bold cyan]does it add up?[/]")
    for line in _checks(summary, evidence):
        console.print(line)
    feeds = ", ".join(f"{count:,} {feed}" for feed, count in story.counts().items())
    console.print(
        f"\n{summary.events_posted:,} events ({feeds}) of {story.days} days in {summary.seconds:.0f} s; "
        f"{summary.events_per_second:,.0f} events/s through one worker while `replay` ran beside it"
    )


def _tables(story: Story, summary: Summary) -> Table:
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


def _checks(summary: Summary, evidence: Evidence) -> list[str]:
    def line(*, is_well: bool, text: str) -> str:
        return f"{'[green]yes[/]' if is_well else '[bold red]NO [/]'}  {text}"

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
