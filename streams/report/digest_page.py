"""An owner's digest as a page: to be opened in the morning, sent and printed."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.digest import DigestV1
from streams.report.page import Card, render
from streams.text.digest_words import at_stake, became, came_true, sentence, summary_of
from streams.text.wording import moment


def digest_page(digests: Sequence[DigestV1], zone: str) -> str:
    """One complete HTML file, a section for each owner."""
    return render(
        "digest.html",
        digests=digests,
        title=f"{digests[0].owner}: today" if len(digests) == 1 else "Today, owner by owner",
        cards={one.owner: _cards(one) for one in digests},
        says={one.owner: sentence(one) for one in digests},
        at_stake=at_stake,
        came_true=came_true,
        became=lambda one: became(one, zone),
        summary_of=lambda alert, at: summary_of(alert, at, zone),
        moment=lambda text: "any time" if text is None else moment(text, zone),
    )


def _cards(digest: DigestV1) -> list[Card]:
    counts = digest.counts
    return [
        Card(f"{counts.new:,}", f"new today, of at most {digest.budget:,}"),
        Card(f"{counts.open:,}", f"still open, {counts.past_due:,} past due"),
        Card(f"{counts.waiting:,}", "without room today"),
        Card(f"{counts.in_hand:,}", "alerts in hand"),
    ]
