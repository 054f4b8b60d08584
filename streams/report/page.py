"""Pages that stand alone: one file, no scripts, nothing loaded from elsewhere; to be read, sent and printed."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from streams.text.plain import plain_value
from streams.text.wording import written_day


class Card(NamedTuple):
    """One figure to begin with, and what it says."""

    value: str
    text: str


def span_of(first: str | None, last: str | None) -> tuple[str, str] | None:
    """Two days as people write them; None where there is none."""
    return None if first is None or last is None else (written_day(first), written_day(last))


def render(template: str, **context: object) -> str:
    """Fill a template of this package, which extends `base.html`. Texts are escaped; plots come as `Markup`.

    A name that the template uses and `context` lacks is an error, so that no page has holes.
    """
    return _environment().get_template(template).render(context) + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("streams.report"),
        autoescape=True,
        finalize=plain_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
