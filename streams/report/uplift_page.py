"""What telling is worth, as a page for somebody who answers for retention."""

from __future__ import annotations

from streams.report.hits import points
from streams.report.page import Card, render
from streams.report.uplift import COLUMNS, COUNT_COLUMNS, UpliftReport, count_rows, rows
from streams.report.uplift_plots import draw_all
from streams.text.wording import counted, written_day


def uplift_page(report: UpliftReport) -> str:
    """One complete HTML file."""
    found = report.uplift
    return render(
        "uplift.html",
        report=report,
        found=found,
        span=None
        if found.first_day is None or found.last_day is None
        else (written_day(found.first_day), written_day(found.last_day)),
        size=points(found.smallest).lstrip("+"),
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
    told = "; ".join(parts)
    return ("missed" if bad else "met" if good else "unsure"), f"{told[0].upper()}{told[1:]}."


def _cards(report: UpliftReport) -> list[Card]:
    """What a reader in a hurry should know."""
    found = report.uplift
    known = [one for one in found.signals if one.difference is not None]
    cards = [Card(f"{found.trials:,}", f"trials over, {sum(one.holdout.trials for one in found.signals):,} held out")]
    sure = [one for one in known if one.verdict == "brings back" and one.difference is not None]
    if sure:
        best = max(sure, key=lambda one: 0.0 if one.difference is None else one.difference.uplift)
        assert best.difference is not None  # chosen so
        cards.append(Card(f"{points(best.difference.uplift)} points", f"more come back when told: {best.signal}"))
    if known:
        text = f"of {counted(len(known), 'signal')} with both arms show a difference beyond chance"
        cards.append(Card(f"{sum(one.verdict != 'unsure' for one in known)}", text))
    return cards
