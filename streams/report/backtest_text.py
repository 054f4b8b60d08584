"""A backtest on the terminal: the table of models, then early warning and value in a few lines."""

from __future__ import annotations

from typing import Any, Final

from rich.table import Table
from rich.text import Text

from streams.report.table import terminal_table
from streams.text.terminal import Terminal
from streams.text.wording import counted

NAMES: Final = {
    "committee": "committee (the model)",
    "wide_whole": "· all features, whole horizon",
    "wide_hazard": "· all features, hazard",
    "narrow_whole": "· 3 features, whole horizon",
    "narrow_hazard": "· 3 features, hazard",
    "base_rate": "base rate",
    "recency": "recency",
    "recency_frequency_value": "recency, frequency, value",
    "lightgbm": "LightGBM, refitted every 2 snapshots",
    "bgnbd": "BG/NBD, refitted every 28 days",
}
"""The models of a report, in words."""

ESTIMATES: Final = {
    "expected": "expected",
    "own_rhythm": "own rhythm",
    "last_90_days": "last 90 days carried forward",
    "last_year": "own last year",
}


def print_report(console: Terminal, result: dict[str, Any], seconds: float) -> None:
    """Print every table, then what it took."""
    question, data = result["question"], result["data"]
    console.print(
        f"No purchase within {counted(question['horizon_days'], 'day')}, asked of customers whose last one is at most "
        f"{counted(question['risk_set_days'], 'day')} old."
    )
    console.print(
        f"{counted(data['events'], 'event')} of {counted(data['customers'], 'customer')} up to {question['last_day']}; "
        f"{counted(data['rows'], 'score')} in {counted(data['snapshots'], 'snapshot')} from "
        f"{question['first_snapshot']}."
    )
    if not result["models"]:
        console.print(Text("Nothing to judge: no horizon ends within the data. Try a shorter one.", "yellow"))
        return
    console.print(
        f"Judged: {data['judged_rows']:,} scores in {data['judged_snapshots']} snapshots from "
        f"{question['evaluate_from']}; {data['churned']:.1%} churned; {data['censored']:.1%} of all scores censored."
    )
    _print_models(console, result["models"])
    _print_budgets(console, result["budgets"])
    _print_value(console, result["value"], data["currency"])
    if data["amounts_without_rate"]:
        console.print(f"{data['amounts_without_rate']:,} amounts had no rate to {data['currency']} and count as 0.")
    console.print(
        f"\n{seconds:.1f} s in all, {seconds / data['rows'] * 1e6:.0f} µs a score with everything learned from it; "
        f"the model has {result['model_bytes']:,} bytes."
    )


def _print_models(console: Terminal, models: list[dict[str, Any]]) -> None:
    table = terminal_table("model", "AUC", "log loss", "Brier", "ECE", "bias")
    for each in models:
        numbers = [_number(each[name], 4) for name in ("auc", "log_loss", "brier", "ece")]
        style = "bold" if each["model"] == "committee" else ""
        table.add_row(NAMES[each["model"]], *numbers, f"{each['bias']:+.3f}", style=style)
    _print_spaced(console, table)


def _print_budgets(console: Terminal, budgets: list[dict[str, Any]]) -> None:
    table = terminal_table("on the list", "alerts a day", "precision", "lapses announced", "median days before")
    for each in budgets:
        lead = "-" if each["lead_days"] is None else f"{each['lead_days']:.0f}"
        shares = [_share(each["precision"]), _share(each["announced"])]
        table.add_row(f"top {each['share']:.0%}", f"{each['alerts_a_day']:.1f}", *shares, lead)
    _print_spaced(console, table)


def _print_value(console: Terminal, value: dict[str, Any] | None, currency: str) -> None:
    if value is None:
        console.print("Value: too little history after the snapshots to judge what was expected.")
        return
    table = terminal_table(
        f"spend of {value['days']} days, {currency}", "mean error", "sum against spent", "held by top fifth"
    )
    for each in value["estimates"]:
        error = f"{each['mean_absolute_error']:,.2f}"
        shares = [_share(each["total_ratio"]), _share(each["spend_of_top_fifth"])]
        table.add_row(ESTIMATES[each["estimate"]], error, *shares)
    _print_spaced(console, table)


def _print_spaced(console: Terminal, table: Table) -> None:
    console.print()
    console.print(table)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
