"""What somebody may have meant who mistyped a name."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question whether something known was meant, to stand before the next sentence; empty when nothing is near.

    >>> did_you_mean("usage_dorp", ["usage_drop", "risk"]), did_you_mean("eur", ["EUR"]), did_you_mean("x", ["risk"])
    ('Did you mean usage_drop? ', 'Did you mean EUR? ', '')
    """
    by_fold = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold()[:100], by_fold, n=1, cutoff=0.6)
    return f"Did you mean {by_fold[near[0]]}? " if near else ""
