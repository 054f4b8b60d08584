"""The figures of the report of a backtest, drawn from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from streams.report.backtest_text import NAMES
from streams.report.plots import Ink, house_style, in_percent, new_figure, tidy, to_svg

INKS: Final = {
    "committee": Ink.BLUE,
    "recency_frequency_value": Ink.ORANGE,
    "base_rate": Ink.TEXT,
    "recency": Ink.PURPLE,
    "lightgbm": Ink.GREEN,
    "bgnbd": Ink.RED,
}
"""Colour of a model, the same in every figure."""

EXPERT_INKS: Final = {
    "wide_whole": Ink.BLUE,
    "wide_hazard": Ink.SKY,
    "narrow_whole": Ink.RED,
    "narrow_hazard": Ink.ORANGE,
}

Row = Mapping[str, Any]


def draw_all(result: Row) -> dict[str, Markup]:
    """Every figure that the data have something for, by name."""
    drawn: dict[str, Markup] = {}
    with house_style():
        if result["models"]:
            drawn["reliability"] = _reliability(result["reliability"])
            drawn["ranking"] = _ranking(result)
            drawn["time"] = _over_time(result["snapshots"])
        if any(each["lead_days"] is not None for each in result["budgets"]):
            drawn["budgets"] = _budgets(result["budgets"], result["question"]["risk_set_days"])
        drawn["weights"] = _weights(result["weights"])
        if result["drivers"]:
            drawn["drivers"] = _drivers(result["drivers"])
    return drawn


def _reliability(bins: Sequence[Row]) -> Markup:
    """What was given against what happened; the number of scores below."""
    figure = new_figure(3.6)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    given = [each["given"] for each in bins]
    axes.plot([0, 1], [0, 1], color=Ink.TEXT, linewidth=1, linestyle=":", label="as promised")
    axes.plot(given, [each["happened"] for each in bins], "o-", color=Ink.BLUE, label="committee")
    axes.set_ylim(0, 1)
    axes.set_xlim(0, 1)
    axes.legend(loc="upper left")
    tidy(axes, x="", y="did not buy")
    in_percent(axes, "y")
    below.bar(given, [each["rows"] for each in bins], width=0.05, color=Ink.SKY)
    tidy(below, x="probability given, mean of each bin", y="scores", grid="y")
    in_percent(below, "x")
    return to_svg(figure, name="reliability", label="Share that did not buy against the probability given")


def _ranking(result: Row) -> Markup:
    figure = new_figure(3.0)
    left, right = figure.subplots(1, 2)
    for name, points in result["roc"].items():
        left.plot([x for x, _ in points], [y for _, y in points], color=INKS[name], label=_name(name))
    left.plot([0, 1], [0, 1], color=Ink.TEXT, linewidth=1, linestyle=":", label="by chance")
    left.legend(loc="lower right")
    tidy(left, x="of those who came back, listed", y="of those who did not, listed")
    in_percent(left, "x")
    in_percent(left, "y")
    shares = [each["share"] for each in result["lift"]]
    right.plot(shares, [each["lift"] for each in result["lift"]], "o-", color=Ink.BLUE, markersize=3.5)
    right.axhline(1, color=Ink.TEXT, linewidth=1, linestyle=":")
    tidy(right, x="share of customers listed, highest risk first", y="lift over the whole base")
    in_percent(right, "x")
    return to_svg(figure, name="ranking", label="ROC curve, and lift by share of customers listed")


def _over_time(snapshots: Sequence[Row]) -> Markup:
    figure = new_figure(4.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = [_day(each["snapshot"]) for each in snapshots]
    names = [name for name in INKS if name in snapshots[0]["log_loss"] and name != "recency"]
    for name in names:
        style = {"linestyle": ":", "linewidth": 1.2} if name == "base_rate" else {}
        losses = [each["log_loss"][name] for each in snapshots]
        upper.plot(days, losses, color=INKS[name], label=_name(name), **style)
    upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    tidy(upper, x="", y="log loss (lower is better)")
    lower.plot(days, [each["churned"] for each in snapshots], color=Ink.TEXT, linewidth=1.2, label="happened")
    lower.plot(days, [each["given"] for each in snapshots], color=Ink.BLUE, label="given by the committee")
    lower.legend(loc="best")
    tidy(lower, x="snapshot", y="did not buy")
    in_percent(lower, "y")
    _in_dates(lower)
    return to_svg(figure, name="time", label="Log loss, and share that did not buy, by snapshot")


def _budgets(budgets: Sequence[Row], risk_set_days: int) -> Markup:
    figure = new_figure(2.6)
    panels = figure.subplots(1, 3)
    places = range(len(budgets))
    ticks = [f"{each['share']:.0%}".replace("%", " %") for each in budgets]
    for panel, key, label in zip(
        panels,
        ("precision", "announced", "lead_days"),
        ("alerts that were right", "lapses announced before", "median days before the lapse"),
        strict=True,
    ):
        values = [each[key] if each[key] is not None else 0 for each in budgets]
        panel.bar(places, values, color=Ink.BLUE, width=0.65)
        panel.set_xticks(places, ticks)
        panel.set_title(label, fontsize=9)
        tidy(panel, x="share of customers listed", y="", grid="y")
        if key == "lead_days":
            panel.set_ylim(0, risk_set_days)
        else:
            panel.set_ylim(0, 1)
            in_percent(panel, "y")
    return to_svg(figure, name="budgets", label="Precision, lapses announced and lead time by budget of alerts")


def _weights(weights: Sequence[Row]) -> Markup:
    figure = new_figure(2.4)
    axes = figure.subplots()
    days = [_day(each["snapshot"]) for each in weights]
    for name, ink in EXPERT_INKS.items():
        axes.plot(days, [each[name] for each in weights], color=ink, label=_name(name))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    axes.set_ylim(0, max(0.5, *(each[name] for each in weights for name in EXPERT_INKS)) * 1.05)
    tidy(axes, x="snapshot", y="weight in the committee")
    in_percent(axes, "y")
    _in_dates(axes)
    return to_svg(figure, name="weights", label="Weights of the four experts over time")


def _drivers(drivers: Sequence[Row]) -> Markup:
    figure = new_figure(0.8 + 0.24 * len(drivers))
    axes = figure.subplots()
    places = range(len(drivers))
    inks = [Ink.RED if each["raises_risk"] else Ink.BLUE for each in drivers]
    axes.barh(places, [each["size"] for each in drivers], color=inks, height=0.7)
    axes.barh([0], [0], color=Ink.RED, label="more of it raises the risk")
    axes.barh([0], [0], color=Ink.BLUE, label="more of it lowers the risk")
    axes.set_yticks(places, [each["meaning"] for each in drivers])
    axes.invert_yaxis()
    axes.legend(loc="lower right")
    tidy(axes, x="mean contribution to the log-odds of a score", y="", grid="x")
    return to_svg(figure, name="drivers", label="Mean size of every feature's contribution")


def _name(model: str) -> str:
    return NAMES[model].removeprefix("· ")


def _day(text: str) -> float:
    """A date as matplotlib counts it."""
    return float(date2num(date.fromisoformat(text)))  # type: ignore[no-untyped-call] # matplotlib's dates have no types


def _in_dates(axes: Axes) -> None:
    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # as above
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # as above
