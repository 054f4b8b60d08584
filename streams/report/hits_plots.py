"""The figures of a report of hit rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from models.hit_rate.rates import SignalHits, Verdict
from streams.report.hits import HitReport
from streams.report.plots import Ink, compare, house_style, interval, lead_times, new_figure, to_svg

INKS: Final[dict[Verdict, Ink]] = {"tells": Ink.GREEN, "the reverse": Ink.RED}
"""Of a difference; all others are orange."""


def draw_all(report: HitReport) -> dict[str, Markup]:
    """Every figure that the history has something for, by name."""
    drawn: dict[str, Markup] = {}
    with house_style():
        compared = [one for one in report.rates.signals if one.compared is not None]
        if compared:
            drawn["difference"] = _differences(compared)
        negative = [one for one in report.rates.signals if one.polarity == "negative"]
        leads = [(one.signal, one.dormant.days) for one in negative if one.dormant.days is not None]
        if leads:
            drawn["lead"] = lead_times(leads)
    return drawn


def _differences(signals: Sequence[SignalHits]) -> Markup:
    """The alerted and those alike side by side, and the difference with its interval."""
    figure = new_figure(1.1 + 0.34 * len(signals))
    left, right = figure.subplots(1, 2, sharey=True)
    for place, one in enumerate(signals):
        found = one.compared
        assert found is not None  # only such signals are drawn
        left.plot([found.alerted, found.alike], [place, place], color=Ink.GRID, linewidth=2.5, zorder=1)
        left.plot([found.alike], [place], "s", color=Ink.TEXT, markersize=5)
        left.plot([found.alerted], [place], "o", color=Ink.BLUE, markersize=6.5)
        interval(right, place, (found.low, found.high), found.difference, INKS.get(one.verdict, Ink.ORANGE))
    left.plot([], [], "o", color=Ink.BLUE, label="alerted")
    left.plot([], [], "s", color=Ink.TEXT, label="everybody alike")
    for verdict, ink in (*INKS.items(), ("no difference", Ink.ORANGE)):
        right.plot([], [], "o-", color=ink, label=verdict)
    compare(left, right, [one.signal for one in signals], x="difference, with its 95 % interval")
    return to_svg(
        figure, name="difference", label="Who came back by signal: alerted, everybody alike, and the difference"
    )
