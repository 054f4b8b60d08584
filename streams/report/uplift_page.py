"""What telling is worth, as a page for somebody who answers for retention."""

from __future__ import annotations

from operator import itemgetter

from streams.report.numbers import points, points_apart
from streams.report.page import Card, render, span_of
from streams.report.uplift import COLUMNS, COUNT_COLUMNS, UpliftReport, count_rows, rows
from streams.report.uplift_plots import draw_all
from streams.text.wording import counted, sentence_of


def uplift_page(report: UpliftReport) -> str:
    """One complete HTML file."""
    found = report.uplift
    return render(
        "uplift.html",
        report=report,
        found=found,
        span=span_of(found.first_day, found.last_day),
        size=points_apart(found.smallest),
        verdict=_verdict(report),
        cards=_cards(report),
        plots=draw_all(found),
        says=list(zip(found.signals, report.says, strict=True)),
        tables={"signals": (COLUMNS, rows(report)), "counts": (COUNT_COLUMNS, count_rows(report))},
        horizons=", ".join(map(str, found.horizons)),
        command=f"churn-signals uplift {' '.join(report.made.files) or '--live'} --html uplift.html",
    )


def _verdict(report: UpliftReport) -> tuple[str, str]:
    """What it comes to: a style, and a sentence."""
    by_verdict: dict[str, list[str]] = {}
    for one in report.uplift.signals:
        by_verdict.setdefault(one.verdict, []).append(one.signal)
    good, bad, same = (by_verdict.get(name, []) for name in ("brings back", "keeps away", "unsure"))
    if not good + bad + same:
        return "unsure", "Nothing is known yet: of no signal are trials of both arms over."
    parts = []
    if good:
        parts.append(f"telling brings customers back: {', '.join(good)}")
    if bad:
        parts.append(f"telling keeps them away: {', '.join(bad)}")
    if same:
        parts.append(f"no difference beyond chance so far: {', '.join(same)}")
    return ("missed" if bad else "met" if good else "unsure"), sentence_of(parts)


def _cards(report: UpliftReport) -> list[Card]:
    """What a reader in a hurry should know."""
    found = report.uplift
    known = [one for one in found.signals if one.difference is not None]
    cards = [Card(f"{found.trials:,}", f"trials over, {sum(one.holdout.trials for one in found.signals):,} held out")]
    sure = [(one.difference.uplift, one.signal) for one in known if one.difference and one.verdict == "brings back"]
    if sure:
        most, signal = max(sure, key=itemgetter(0))
        cards.append(Card(f"{points(most)} points", f"more come back when told: {signal}"))
    if known:
        text = f"of {counted(len(known), 'signal')} with both arms show a difference beyond chance"
        cards.append(Card(f"{sum(one.verdict != 'unsure' for one in known)}", text))
    return cards
