"""Figures as inline SVG: the same data give the same bytes, and colours come from the page, light, dark or printed.

Figures are drawn with the colours of `Ink`. In the SVG they become the page's CSS variables of the same names, so that
a figure turns dark with its page. The palette is Okabe and Ito's, told apart by people of any colour vision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from typing import Any, Final

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.typing import RcKeyType

from models.detection.proportion import Quartiles

WIDTH_IN: Final = 8.4
"""Inches over the whole column of a page; with letters of 9 points they are as large as the page's small print."""


class Ink(StrEnum):
    """What figures are drawn with."""

    TEXT = "#010101"
    GRID = "#c1c1c1"
    BLUE = "#0072b2"
    ORANGE = "#e69f00"
    GREEN = "#009e73"
    RED = "#d55e00"
    SKY = "#56b4e9"
    PURPLE = "#cc79a7"


_VARIABLES: Final = {ink.value: f"var(--ink-{ink.name.lower()})" for ink in Ink}
_STYLE: Final[dict[RcKeyType, Any]] = {
    "svg.fonttype": "none",  # letters stay letters: searchable, small, in the page's own font
    "text.parse_math": False,  # a dollar sign is one
    "svg.hashsalt": "churn-signals",  # ids are hashes of what they name, not random
    "font.size": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True,
    "text.color": Ink.TEXT,
    "axes.edgecolor": Ink.TEXT,
    "axes.labelcolor": Ink.TEXT,
    "axes.titlecolor": Ink.TEXT,
    "xtick.color": Ink.TEXT,
    "ytick.color": Ink.TEXT,
    "grid.color": Ink.GRID,
    "grid.linewidth": 0.6,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save figures inside this: it holds for both, and leaves nothing behind."""
    with rc_context(_STYLE):
        yield


def new_figure(height_in: float) -> Figure:
    """An empty figure as wide as the page."""
    return Figure(figsize=(WIDTH_IN, height_in))


def tidy(axes: Axes, *, x: str, y: str, grid: str = "both") -> None:
    """Name both axes (with units) and draw a light grid along `x`, `y` or `both`."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, axis=grid)  # type: ignore[arg-type] # a Literal there, a text here


def in_percent(axes: Axes, which: str) -> None:
    """Show shares along `x` or `y` in per cent."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{100 * value:g} %"))


def compare(left: Axes, right: Axes, names: Sequence[str], *, x: str, dashed_at: float | None = None) -> None:
    """Dress two panels, row by row the same names: shares of who came back on the left, differences on the right.

    Both have drawn what they show and named it. `x`: what the right one shows; `dashed_at`: a size to compare with.
    """
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    right.axvline(0, color=Ink.TEXT, linewidth=1, linestyle=":")
    if dashed_at is not None:
        right.axvline(dashed_at, color=Ink.GRID, linewidth=1, linestyle="--")
    left.set_xlim(-0.03, 1.03)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.5, -0.5)
    tidy(left, x="came back within the horizon", y="", grid="x")
    tidy(right, x=x, y="", grid="x")
    in_percent(left, "x")
    in_percent(right, "x")


def interval(axes: Axes, at: float, ends: tuple[float, float], value: float, ink: Ink) -> None:
    """Draw a value with its interval."""
    axes.plot(ends, [at, at], color=ink, linewidth=2.2)
    axes.plot([value], [at], "o", color=ink, markersize=5.5)


def lead_times(signals: Sequence[tuple[str, Quartiles]]) -> Markup:
    """How long before dormancy each signal speaks: its name, and quartiles of days; from above in this order."""
    figure = new_figure(0.9 + 0.3 * len(signals))
    axes = figure.subplots()
    for place, (_, days) in enumerate(signals):
        axes.plot(
            [days.first, days.third], [place, place], color=Ink.BLUE, linewidth=6, solid_capstyle="butt", alpha=0.5
        )
        axes.plot([days.median], [place], "o", color=Ink.BLUE, markersize=6)
        axes.annotate(f"{days.median:.0f}", (days.median, place), (0, 6), textcoords="offset points", ha="center")
    axes.axvline(0, color=Ink.RED, linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(signals)), [name for name, _ in signals])
    axes.set_ylim(len(signals) - 0.4, -0.8)
    axes.invert_xaxis()
    tidy(axes, x="days from the alert until the customer counts as dormant (dashed: that day)", y="", grid="x")
    return to_svg(figure, name="lead", label="Days between alert and dormancy by signal: quartiles and median")


def to_svg(figure: Figure, *, name: str, label: str) -> Markup:
    """The figure as an element of a page. `name` keeps its ids apart from other figures', `label` is read aloud."""
    FigureCanvasSVG(figure)
    drawn = StringIO()
    figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None  # matplotlib always writes one
    svg = re.sub(r"<svg[^>]*>", f'<svg role="img" aria-label="{escape(label)}" {box[0]}>', svg, count=1)
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'(?:xlink:)?href="#([^"]*)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"font-family: [^;\"]*|(?<=px )'[^;\"]*", _own_font, svg)
    for ink, variable in _VARIABLES.items():
        svg = svg.replace(ink, variable)
    return Markup(re.sub(r"\n\s*\n+", "\n", svg))  # noqa: S704 - drawn here, every text in it escaped by matplotlib


def _own_font(found: re.Match[str]) -> str:
    return "font-family: inherit" if found[0].startswith("font-family") else "inherit"
