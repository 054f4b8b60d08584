"""The report of a backtest as a page that explains itself to somebody who knows churn but not this program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.report.backtest_plots import draw_all
from streams.report.backtest_text import ESTIMATES, NAMES
from streams.report.page import Card, render
from streams.report.table import Column
from streams.text.wording import counted

Row = Mapping[str, Any]

MODEL_COLUMNS: Final = (
    Column("Model", "who gave the probability"),
    Column(
        "AUC",
        "Chance that of two customers, one who left and one who came back, the one who left was given more. A coin "
        "has 0.5.",
    ),
    Column(
        "Log loss",
        "Minus the logarithm of the probability given to what happened, on average. It punishes confident errors; "
        "lower is better, and it is the measure to compare models by.",
    ),
    Column("Brier", "Mean squared distance of the probability from what happened (0 or 1). Lower is better."),
    Column("ECE", "How far, on average, a promised probability lies from what came of it, over ten bins."),
    Column("Bias", "Mean probability given less the share that left. Above 0: too gloomy."),
)
BUDGET_COLUMNS: Final = (
    Column("Listed", "share of the customers scored who are on the list, the highest risks first"),
    Column("Alerts a day", "customers who come onto the list for the first time since their last purchase"),
    Column("Precision", "of these, the share who then made no purchase within the horizon"),
    Column("Lapses announced", "of the customers who lapsed, the share who had been on the list before"),
    Column("Days before", "median time from that alert to the lapse"),
)
VALUE_COLUMNS: Final = (
    Column("Estimate", "what the spend to come is taken to be"),
    Column("Mean error", "mean distance from what was spent, by customer"),
    Column("Root mean square", "the same with large errors weighing more"),
    Column("Sum", "all that was estimated against all that was spent; 100 % is right on the whole"),
    Column("Top fifth", "share of all spend made by the fifth of customers whom the estimate ranks highest"),
)


def page(result: Row) -> str:
    """One complete HTML file from the report's values."""
    return render(
        "backtest.html",
        question=result["question"],
        data=result["data"],
        result=result,
        command=_command(result),
        cards=_cards(result),
        plots=draw_all(result),
        tables={
            "models": (MODEL_COLUMNS, list(_models(result["models"]))),
            "budgets": (BUDGET_COLUMNS, list(_budgets(result["budgets"]))),
            "value": (VALUE_COLUMNS, list(_values(result["value"]))),
        },
    )


def _command(result: Row) -> str:
    question = result["question"]
    compared = [each["model"] for each in result["models"] if each["model"] in ("lightgbm", "bgnbd")]
    return (
        f"churn-signals backtest {' '.join(result['data']['files'])} --horizon-days {question['horizon_days']} "
        f"--risk-set-days {question['risk_set_days']} --step-days {question['step_days']} "
        f"--first-snapshot {question['first_snapshot']} --evaluate-from {question['evaluate_from']}"
        + (f" --compare {','.join(compared)}" if compared else "")
        + " --html report.html"
    )


def _cards(result: Row) -> list[Card]:
    """What a reader in a hurry should know; left out where the data say nothing about it."""
    models = {each["model"]: each for each in result["models"]}
    cards = []
    if models:
        ours, best = models["committee"], result["lift"][1]
        cards.append(Card(_fixed(ours["auc"], 3), "AUC: a leaver is ranked above a returner that often"))
        cards.append(Card(_percent(ours["ece"], 1), "is how far a promised probability is off, on average (ECE)"))
        cards.append(Card(_percent(best["churned"]), "of the tenth with the highest risk did not buy again in time"))
    middle = next((each for each in result["budgets"] if each["share"] == 0.1), None)
    if middle is not None and middle["lead_days"] is not None:
        text = "before the lapse, half of the announced lapses were on a list of the top tenth"
        cards.append(Card(counted(round(middle["lead_days"]), "day"), text))
    return cards


def _models(models: Iterable[Row]) -> Iterable[list[str]]:
    for each in models:
        numbers = [_fixed(each[name], 4) for name in ("auc", "log_loss", "brier", "ece")]
        yield [NAMES[each["model"]], *numbers, f"{each['bias']:+.3f}"]


def _budgets(budgets: Iterable[Row]) -> Iterable[list[str]]:
    for each in budgets:
        shares = [_percent(each["precision"]), _percent(each["announced"])]
        yield [f"top {_percent(each['share'])}", f"{each['alerts_a_day']:.1f}", *shares, _fixed(each["lead_days"], 0)]


def _values(value: Row | None) -> Iterable[list[str]]:
    for each in value["estimates"] if value else ():
        errors = [f"{each[name]:,.2f}" for name in ("mean_absolute_error", "root_mean_square_error")]
        shares = [_percent(each["total_ratio"]), _percent(each["spend_of_top_fifth"])]
        yield [ESTIMATES[each["estimate"]], *errors, *shares]


def _fixed(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f} %"
