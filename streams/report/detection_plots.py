"""The figures of the report of detection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup
from matplotlib.axes import Axes

from models.detection.findings import CURVE_DAYS, Detection, KindScore, SignalScore
from models.detection.loyal import SPAN_DAYS
from models.detection.proportion import Share
from models.detection.targets import LOYAL_DROP_SHARE
from streams.report.detection_rows import kind_name, weekly
from streams.report.plots import Ink, house_style, in_percent, lead_times, new_figure, tidy, to_svg

FOLLOWED: Final = ("fading", "returning", "complaining")
"""Kinds whose leaving is drawn day by day: those that had been customers for a while."""


def draw_all(detection: Detection) -> dict[str, Markup]:
    """Every figure that the data have something for, by name."""
    drawn: dict[str, Markup] = {}
    with house_style():
        judged = [score for score in detection.signals if score.is_judged]
        drawn["quality"] = _quality(judged)
        followed = [kind for kind in detection.kinds if kind.kind in FOLLOWED and kind.found_by_day]
        if followed:
            drawn["found"] = _found(followed)
        leads = [(score.signal, score.lead.dormant) for score in judged if score.lead.dormant is not None]
        if leads:
            drawn["lead"] = lead_times(sorted(leads, key=lambda row: -row[1].median))
        drawn["load"] = _load(detection)
        if detection.loyal.spans:
            drawn["loyal"] = _loyal(detection)
    return drawn


def _quality(scores: Sequence[SignalScore]) -> Markup:
    """Precision and recall of each signal with their intervals."""
    figure = new_figure(0.9 + 0.32 * len(scores))
    axes = figure.subplots()
    for place, score in enumerate(scores):
        _whisker(axes, place - 0.14, score.precision_steady, Ink.BLUE, "o")
        _whisker(axes, place + 0.14, score.recall, Ink.ORANGE, "s")
    axes.plot([], [], "o", color=Ink.BLUE, label="precision, seasonal customers aside")
    axes.plot([], [], "s", color=Ink.ORANGE, label="recall, where it is expected")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    axes.set_xlim(0, 1.02)
    axes.set_yticks(range(len(scores)), [score.signal for score in scores])
    axes.invert_yaxis()
    tidy(axes, x="share, with its 95 % interval", y="", grid="x")
    in_percent(axes, "x")
    return to_svg(figure, name="quality", label="Precision and recall of each signal, with 95 % intervals")


def _whisker(axes: Axes, at: float, found: Share | None, ink: Ink, marker: str) -> None:
    if found is not None:
        axes.plot([found.low, found.high], [at, at], color=ink, linewidth=1.2)
        axes.plot([found.share], [at], marker, color=ink, markersize=5)


def _found(kinds: Sequence[KindScore]) -> Markup:
    """How soon customers who leave are found, against how soon they count as dormant."""
    figure = new_figure(2.7)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    days = range(CURVE_DAYS + 1)
    for panel, kind in zip(panels, kinds, strict=True):
        panel.step(days, kind.found_by_day, where="post", color=Ink.BLUE, label="found by a right alert")
        if kind.dormant_by_day:
            panel.step(
                days, kind.dormant_by_day, where="post", color=Ink.RED, linestyle="--", label="counted as dormant"
            )
        panel.set_title(f"{kind_name(kind.kind)} ({kind.found.of if kind.found else 0:,})", fontsize=9)
        panel.set_xlim(0, CURVE_DAYS)
        panel.set_xticks(range(0, CURVE_DAYS + 1, 30))
        panel.set_ylim(0, 1.03)
        tidy(panel, x="days since the change", y="")
        in_percent(panel, "y")
    panels[0].set_ylabel("share of these customers")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return to_svg(figure, name="found", label="Share of leaving customers found, and dormant, by days since the change")


def _load(detection: Detection) -> Markup:
    """Alerts per 1,000 customers and week of each signal and kind, and how many of them are right."""
    kinds = [kind.kind for kind in detection.kinds]
    figure = new_figure(1.1 + 0.3 * len(detection.signals))
    axes = figure.subplots()
    for row, score in enumerate(detection.signals):
        for column, kind in enumerate(kinds):
            load = score.kinds.get(kind)
            if load is None or not load.alerts:
                continue
            right = load.right / load.alerts
            ink = Ink.GRID if not score.is_judged else Ink.BLUE if right >= 0.5 else Ink.ORANGE
            strength = 0.3 if not score.is_judged else 0.08 + 0.42 * abs(2 * right - 1)
            axes.fill_between(
                [column - 0.47, column + 0.47], row - 0.44, row + 0.44, color=ink, alpha=strength, linewidth=0
            )
            axes.annotate(weekly(load.weekly), (column, row), ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(kinds)), [kind_name(kind).replace(" ", "\n") for kind in kinds])
    axes.set_yticks(range(len(detection.signals)), [score.signal for score in detection.signals])
    axes.set_xlim(-0.5, len(kinds) - 0.5)
    axes.set_ylim(len(detection.signals) - 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return to_svg(figure, name="load", label="Alerts per 1,000 customers and week, by signal and kind of customer")


def _loyal(detection: Detection) -> Markup:
    """Share of loyal customers with a usage_drop in each span of 60 days, against the target."""
    spans = detection.loyal.spans
    figure = new_figure(2.4)
    axes = figure.subplots()
    axes.plot(range(len(spans)), spans, color=Ink.BLUE, label="measured")
    axes.axhline(LOYAL_DROP_SHARE, color=Ink.RED, linestyle="--", linewidth=1.2, label="target: at most")
    axes.set_xlim(0, max(1, len(spans) - 1))
    axes.set_ylim(0, max(LOYAL_DROP_SHARE * 1.3, max(spans) * 1.1))
    axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.17))
    tidy(axes, x=f"first day of the {SPAN_DAYS} days", y="share of loyal customers", grid="y")
    in_percent(axes, "y")
    return to_svg(figure, name="loyal", label="Share of loyal customers with a usage_drop in each span of 60 days")
