"""The report of detection as a page that explains itself to somebody who knows churn but not this program."""

from __future__ import annotations

from models.detection.findings import Detection
from models.detection.targets import LOYAL_ALERTS_A_YEAR, LOYAL_DROP_SHARE, MIN_CASES
from streams.report.detection import DetectionReport
from streams.report.detection_plots import draw_all
from streams.report.detection_rows import (
    KIND_COLUMNS,
    KINDS,
    LOYAL_COLUMNS,
    QUALITY,
    SIGNAL_COLUMNS,
    TARGET_COLUMNS,
    TIMING,
    TRUTH_COLUMNS,
    chosen,
    kind_rows,
    loyal_rows,
    signal_rows,
    target_row,
    truth_rows,
)
from streams.report.numbers import percent
from streams.report.page import Card, render
from streams.text.wording import counted


def detection_page(report: DetectionReport) -> str:
    """One complete HTML file."""
    made, signals = report.made, signal_rows(report.detection)
    return render(
        "detection.html",
        report=report,
        found=report.detection,
        command=f"churn-signals simulate --customers {made.customers} --days {made.days} --seed {made.seed}"
        f" --start {made.start} --detect",
        judged=sum(target.is_met is not None for target in report.targets),
        min_cases=MIN_CASES,
        cards=_cards(report.detection),
        kinds=KINDS,
        plots=draw_all(report.detection),
        tables={
            "targets": (TARGET_COLUMNS, [target_row(target) for target in report.targets]),
            "quality": chosen(QUALITY, SIGNAL_COLUMNS, signals),
            "timing": chosen(TIMING, SIGNAL_COLUMNS, signals),
            "kinds": (KIND_COLUMNS, kind_rows(report.detection)),
            "loyal": (LOYAL_COLUMNS, loyal_rows(report.detection)),
            "truth": (TRUTH_COLUMNS, truth_rows()),
        },
    )


def _cards(found: Detection) -> list[Card]:
    """What a reader in a hurry should know; left out where the data say nothing about it."""
    cards = []
    fading = next((kind for kind in found.kinds if kind.kind == "fading"), None)
    if fading is not None and fading.found is not None:
        cards.append(Card(percent(fading.found.share), "of customers who fade away are found within 90 days"))
        if fading.lead.dormant is not None:
            days = counted(round(fading.lead.dormant.median), "day")
            cards.append(Card(days, "from the first alert until a fading customer counts as dormant (median)"))
    if found.loyal.worst is not None:
        text = f"of loyal customers got a usage_drop in the worst 60 days (at most {percent(LOYAL_DROP_SHARE)})"
        cards.append(Card(percent(found.loyal.worst.share), text))
    if found.loyal.negative_a_year is not None:
        text = f"negative alerts per loyal customer and year (at most {LOYAL_ALERTS_A_YEAR:.0f})"
        cards.append(Card(f"{found.loyal.negative_a_year.mean:.2f}", text))
    return cards
