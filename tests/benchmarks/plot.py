"""The figure beside the page of results: other systems against the plain loop, and cost against size."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from benchmarks.results import GrowthPart, RacePart, Results, ratio
from streams.report.plots import Ink, house_style, new_figure, tidy

HEIGHT_IN = 3.4


def write_plot(results: Results, path: Path) -> Path | None:
    """An SVG beside the JSON, of what has been measured; None when none of it has."""
    drawn = [part for part in (results.peers, results.growth) if part is not None]
    if not drawn:
        return None
    place = path.with_suffix(".svg")
    with house_style():
        figure = new_figure(HEIGHT_IN)
        panels = figure.subplots(1, len(drawn), squeeze=False, width_ratios=[3, 2][: len(drawn)])[0]
        for axes, part in zip(panels, drawn, strict=True):
            if isinstance(part, RacePart):
                _draw_race(axes, part)
            else:
                _draw_growth(axes, part)
        figure.savefig(place, format="svg", facecolor="white", metadata={"Date": None})
    place.write_text("\n".join(line.rstrip() for line in place.read_text().splitlines()) + "\n")
    return place


def _draw_race(axes: Axes, part: RacePart) -> None:
    """A bar for each system that ran, on a scale of factors: green where the alerts were those of replay."""
    first, ran = part.systems[0], [system for system in reversed(part.systems) if system.runs]
    factors = [1 / ratio(system, first, "seconds") for system in ran]
    is_right = [system.worst is not None and not system.worst.size for system in ran]
    colours = [Ink.GREEN if right else Ink.ORANGE for right in is_right]
    bars = axes.barh([system.name for system in ran], factors, color=colours)
    axes.bar_label(bars, [f" {factor:.2f}" for factor in factors], fontsize=8.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda factor, _place: f"{factor:g}"))
    axes.set_xlim(min(factors) / 2, max(factors) * 2)
    tidy(axes, x="speed, plain loop with the same engine = 1", y="", grid="x")
    keys = {"alerts equal to those of replay": Ink.GREEN, "alerts differ": Ink.ORANGE}
    axes.legend(
        handles=[Patch(color=ink, label=text) for text, ink in keys.items()],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
    )


def _draw_growth(axes: Axes, part: GrowthPart) -> None:
    """Two lines that should be level."""
    customers = [run.customers for run in part.runs]
    for text, ink, figures in (
        ("a customer at a midnight", Ink.BLUE, [run.judged_us for run in part.runs]),
        ("an event", Ink.RED, [run.between_us for run in part.runs]),
    ):
        axes.plot(customers, figures, marker="o", color=ink, label=text)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _place: f"{number:,.0f}"))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    tidy(axes, x="customers", y="µs of CPU")
