"""The figures of what another catalogue would change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from markupsafe import Markup
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from models.what_if.comparison import Comparison, OwnerLoad, Week
from streams.report.plots import Ink, house_style, new_figure, tidy, to_svg


def draw_all(found: Comparison) -> dict[str, Markup]:
    """Every figure that the history has something for, by name."""
    drawn: dict[str, Markup] = {}
    with house_style():
        if len(found.weeks) > 1 and (found.total.before or found.total.after):
            drawn["weeks"] = _weeks(found.weeks)
        if found.by_owner:
            drawn["load"] = _load(found.by_owner)
    return drawn


def _weeks(weeks: Sequence[Week]) -> Markup:
    """Alerts a week by both catalogues; below, what is gained and lost."""
    figure = new_figure(3.9)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    days = np.array([date2num(date.fromisoformat(week.monday)) for week in weeks])  # type: ignore[no-untyped-call] # matplotlib's dates have no types
    edges = [*days, days[-1] + 7]
    upper.stairs([week.before for week in weeks], edges, color=Ink.TEXT, linewidth=1.4, baseline=None, label="before")
    upper.stairs([week.after for week in weeks], edges, color=Ink.BLUE, linewidth=2, baseline=None, label="after")
    upper.set_ylim(bottom=0)
    upper.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2)
    tidy(upper, x="", y="alerts a week")
    lower.bar(days + 3.5, [week.gained for week in weeks], width=6.2, color=Ink.GREEN, label="gained")
    lower.bar(days + 3.5, [-week.lost for week in weeks], width=6.2, color=Ink.ORANGE, label="lost")
    lower.axhline(0, color=Ink.TEXT, linewidth=0.8)
    lower.legend(loc="lower right", bbox_to_anchor=(1, 0.95), ncols=2)
    tidy(lower, x="", y="gained, lost", grid="y")
    lower.yaxis.set_major_formatter(lambda value, _place: f"{abs(value):,.0f}")
    upper.yaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # as above
    lower.xaxis.set_major_locator(locator)
    lower.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # as above
    return to_svg(figure, name="weeks", label="Alerts a week before and after, and those gained and lost")


def _load(owners: dict[str, OwnerLoad]) -> Markup:
    """A median day and a busy one of each owner, before and after."""
    figure = new_figure(0.9 + 0.44 * len(owners))
    axes = figure.subplots()
    for place, one in enumerate(owners.values()):
        for at, load, ink in ((place - 0.18, one.load_before, Ink.TEXT), (place + 0.18, one.load_after, Ink.BLUE)):
            axes.plot([load.median, load.p95], [at, at], color=ink, linewidth=4, alpha=0.35, solid_capstyle="butt")
            axes.plot([load.median], [at], "o", color=ink, markersize=5)
            axes.plot([load.p95], [at], "|", color=ink, markersize=9, markeredgewidth=2)
    axes.plot([], [], "o", color=Ink.TEXT, label="before: median day")
    axes.plot([], [], "o", color=Ink.BLUE, label="after: median day")
    axes.plot([], [], "|", color=Ink.TEXT, markersize=9, markeredgewidth=2, label="95 of 100 days at most")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
    axes.set_yticks(range(len(owners)), list(owners))
    axes.set_ylim(len(owners) - 0.5, -0.5)
    axes.set_xlim(left=0)
    tidy(axes, x="alerts told on a day", y="", grid="x")
    return to_svg(figure, name="load", label="Alerts a day by owner: the median and a busy day, before and after")
