"""The report of hit rates as a page that explains itself to somebody who knows churn but not this program."""

from __future__ import annotations

from models.hit_rate.alike import BANDS
from models.hit_rate.rates import MIN_CUSTOMERS
from streams.report.hits import CAME_BACK, HitReport
from streams.report.hits_plots import draw_all
from streams.report.hits_rows import (
    COUNT_COLUMNS,
    LEAD_COLUMNS,
    SIGNAL_COLUMNS,
    count_rows,
    lead_rows,
    signal_rows,
)
from streams.report.numbers import percent, points_apart
from streams.report.page import Card, render, span_of
from streams.text.wording import counted


def hits_page(report: HitReport) -> str:
    """One complete HTML file."""
    rates, made = report.rates, report.made
    learned = " --learn" if made.is_learned else ""
    return render(
        "signals.html",
        report=report,
        rates=rates,
        span=span_of(rates.first_day, rates.boundary),
        did=CAME_BACK[rates.comes_back_by],
        verdict=_verdict(report),
        cards=_cards(report),
        plots=draw_all(report),
        says=list(zip(rates.signals, report.says, strict=True)),
        tables={
            "signals": (SIGNAL_COLUMNS, signal_rows(report)),
            "leads": (LEAD_COLUMNS, lead_rows(report)),
            "counts": (COUNT_COLUMNS, count_rows(report)),
        },
        bands=_bands(),
        min_customers=MIN_CUSTOMERS,
        command=f"churn-signals signals {' '.join(made.files) or '--live'} --horizon-days {rates.horizon_days}{learned}"
        " --html signals.html",
    )


def _verdict(report: HitReport) -> tuple[str, str]:
    """What it comes to: a style, and a sentence."""
    by_verdict: dict[str, list[str]] = {}
    for one in report.rates.signals:
        by_verdict.setdefault(one.verdict, []).append(one.signal)
    tells, reverse, nothing = (by_verdict.get(name, []) for name in ("tells", "the reverse", "no difference"))
    if not tells and not reverse and not nothing:
        return "unsure", "No signal could be judged: a longer history, or more customers, are needed."
    judged = len(tells) + len(reverse) + len(nothing)
    say = "says" if len(tells) == 1 else "say"
    parts = [f"{counted(len(tells), 'signal')} of {judged} that could be judged {say} more than stage and silence do"]
    if nothing:
        parts.append(f"no difference beyond chance: {', '.join(nothing)}")
    if reverse:
        parts.append(f"the reverse of what was foretold: {', '.join(reverse)}")
    return ("missed" if reverse else "unsure" if nothing else "met"), "; ".join(parts) + "."


def _cards(report: HitReport) -> list[Card]:
    """What a reader in a hurry should know; left out where the history says nothing about it."""
    signals = report.rates.signals
    best = next((one for one in signals if one.verdict == "tells"), None)
    cards = []
    if best is not None and best.compared is not None and best.excess is not None:
        text = f"alerts of {best.signal} came true beyond those alike: it tells most"
        cards.append(Card(f"{best.excess.alerts:,.0f}", text))
        text = f"fewer of these alerted came back than of those alike ({percent(best.compared.alike)})"
        if best.foretells == "more":
            text = text.replace("fewer", "more", 1)
        cards.append(Card(f"{points_apart(best.compared.difference)} points", text))
    concluded = [one for one in signals if one.verdict in ("tells", "no difference", "the reverse")]
    if concluded:
        telling = sum(one.verdict == "tells" for one in concluded)
        text = "signals that could be judged say more than the stage and the silence do"
        cards.append(Card(f"{telling} of {len(concluded)}", text))
    judged = sum(one.alerts - one.waiting for one in signals)
    if judged:
        cards.append(Card(f"{judged:,}", f"alerts judged, of {report.rates.alerts:,} that began"))
    return cards


def _bands() -> str:
    """The bands of silence in words."""
    starts = (0, *BANDS)
    ends = (*(start - 1 for start in BANDS), None)
    return ", ".join(
        f"{first} or more" if last is None else str(first) if first == last else f"{first} to {last}"
        for first, last in zip(starts, ends, strict=True)
    )
