"""The figures of a report of hit rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from models.hit_rate.rates import SignalHits, Verdict
from streams.report.hits import HitReport
from streams.report.plots import Ink, house_style, in_percent, new_figure, tidy, to_svg

INKS: Final[dict[Verdict, Ink]] = {"tells": Ink.GREEN, "the reverse": Ink.RED}
"""Of a difference; all others are orange."""


def draw_all(report: HitReport) -> dict[str, Markup]:
    """Every figure that the history has something for, by name."""
    drawn: dict[str, Markup] = {}
    with house_style():
        compared = [one for one in report.rates.signals if one.compared is not None]
        if compared:
            drawn["difference"] = _differences(compared)
        leads = [one for one in report.rates.signals if one.polarity == "negative" and one.dormant.days is not None]
        if leads:
            drawn["lead"] = _leads(leads)
    return drawn


def _differences(signals: Sequence[SignalHits]) -> Markup:
    """The alerted and those alike side by side, and the difference with its interval."""
    figure = new_figure(1.1 + 0.34 * len(signals))
    left, right = figure.subplots(1, 2, sharey=True)
    for place, one in enumerate(signals):
        found = one.compared
        assert found is not None  # only such signals are drawn
        ink = INKS.get(one.verdict, Ink.ORANGE)
        left.plot([found.alerted, found.alike], [place, place], color=Ink.GRID, linewidth=2.5, zorder=1)
        left.plot([found.alike], [place], "s", color=Ink.TEXT, markersize=5)
        left.plot([found.alerted], [place], "o", color=Ink.BLUE, markersize=6.5)
        right.plot([found.low, found.high], [place, place], color=ink, linewidth=2.2)
        right.plot([found.difference], [place], "o", color=ink, markersize=5.5)
    left.plot([], [], "o", color=Ink.BLUE, label="alerted")
    left.plot([], [], "s", color=Ink.TEXT, label="everybody alike")
    for verdict, ink in (*INKS.items(), ("no difference", Ink.ORANGE)):
        right.plot([], [], "o-", color=ink, label=verdict)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    right.axvline(0, color=Ink.TEXT, linewidth=1, linestyle=":")
    left.set_xlim(-0.03, 1.03)
    left.set_yticks(range(len(signals)), [one.signal for one in signals])
    left.set_ylim(len(signals) - 0.5, -0.5)
    tidy(left, x="came back within the horizon", y="", grid="x")
    tidy(right, x="difference, with its 95 % interval", y="", grid="x")
    in_percent(left, "x")
    in_percent(right, "x")
    return to_svg(
        figure, name="difference", label="Who came back by signal: alerted, everybody alike, and the difference"
    )


def _leads(signals: Sequence[SignalHits]) -> Markup:
    """How long before dormancy each signal spoke."""
    figure = new_figure(0.9 + 0.3 * len(signals))
    axes = figure.subplots()
    for place, one in enumerate(signals):
        days = one.dormant.days
        assert days is not None  # only such signals are drawn
        axes.plot(
            [days.first, days.third], [place, place], color=Ink.BLUE, linewidth=6, solid_capstyle="butt", alpha=0.5
        )
        axes.plot([days.median], [place], "o", color=Ink.BLUE, markersize=6)
        axes.annotate(f"{days.median:.0f}", (days.median, place), (0, 6), textcoords="offset points", ha="center")
    axes.axvline(0, color=Ink.RED, linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(signals)), [one.signal for one in signals])
    axes.set_ylim(len(signals) - 0.4, -0.8)
    axes.invert_xaxis()
    tidy(axes, x="days from the alert until the customer counts as dormant (dashed: that day)", y="", grid="x")
    return to_svg(figure, name="lead", label="Days between alert and dormancy by signal: quartiles and median")
