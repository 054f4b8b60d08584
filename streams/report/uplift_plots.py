"""The figure of what telling is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from models.uplift import SignalUplift, Uplift, Verdict
from streams.report.plots import Ink, compare, house_style, interval, new_figure, to_svg

INKS: Final[dict[Verdict, Ink]] = {"brings back": Ink.GREEN, "keeps away": Ink.RED, "unsure": Ink.ORANGE}
"""Of a difference."""


def draw_all(found: Uplift) -> dict[str, Markup]:
    """Every figure that the outcomes have something for, by name."""
    known = [one for one in found.signals if one.difference is not None]
    if not known:
        return {}
    with house_style():
        return {"uplift": _uplift(known, found.smallest)}


def _uplift(signals: Sequence[SignalUplift], smallest: float) -> Markup:
    """Both arms side by side, each with its interval; and the difference with its own."""
    figure = new_figure(1.2 + 0.42 * len(signals))
    left, right = figure.subplots(1, 2, sharey=True)
    for place, one in enumerate(signals):
        for arm, at, ink, mark in (
            (one.treated, place - 0.14, Ink.BLUE, "o"),
            (one.holdout, place + 0.14, Ink.TEXT, "s"),
        ):
            left.plot([arm.low, arm.high], [at, at], color=ink, linewidth=1.6, alpha=0.55)
            left.plot([arm.share], [at], mark, color=ink, markersize=5)
        found = one.difference
        assert found is not None  # only such signals are drawn
        interval(right, place, (found.low, found.high), found.uplift, INKS[one.verdict])
    left.plot([], [], "o-", color=Ink.BLUE, label="told")
    left.plot([], [], "s-", color=Ink.TEXT, label="held out")
    for verdict, ink in INKS.items():
        right.plot([], [], "o-", color=ink, label=verdict)
    names = [one.signal for one in signals]
    compare(left, right, names, x="uplift (dashed: the size worth seeing)", dashed_at=smallest)
    return to_svg(figure, name="uplift", label="Who came back by signal: told, held out, and the difference")
