"""Pages that stand alone: one file, no scripts, nothing loaded from elsewhere; to be read, sent and printed."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from streams.text.plain import plain_value


class Card(NamedTuple):
    """One figure to begin with, and what it says."""

    value: str
    text: str


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
