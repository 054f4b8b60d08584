"""The tables of the report of detection as texts, for the terminal and the page alike; columns explained once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from models.detection.findings import Detection, KindScore, SignalScore
from models.detection.loyal import SPAN_DAYS
from models.detection.targets import Target
from models.detection.truth import SHOWN_BY
from streams.report.numbers import NONE, percent, rate, share, spread, with_interval
from streams.report.table import Column

SIGNAL_COLUMNS: Final = (
    Column("signal", "the rule of the catalogue; * marks good news"),
    Column("alerts", "episodes that began; later revisions of one are not counted again"),
    Column("precision", "of these, the share about customers to whom the signal truly applied at that time"),
    Column("seasonal aside", "the same without seasonal customers, whose months of silence mean nothing"),
    Column("recall", "of the customers in whom it had to be found, the share in whom it was, in time"),
    Column("of all", "found, of all it applies to: also those whose life gives the definition nothing to go by"),
    Column("days to alert", "from the change to the first right alert: a quarter, half, three quarters of them within"),
    Column("before dormant", "days from that alert until the customer counts as dormant (60 days); below 0: after it"),
    Column("before churned", "the same until the customer counts as churned (more than 120 days)"),
    Column("a week", "alerts per 1,000 customers known and week: the work it makes"),
)
KIND_COLUMNS: Final = (
    Column("kind", "of customer, as simulated"),
    Column("number", "of customers of this kind"),
    Column("negative a year", "negative alerts per customer and year, with its 95 % interval"),
    Column("wrong a year", "of these, those outside every interval in which their signal applies"),
    Column("good news a year", "alerts of positive signals per customer and year"),
    Column("found", "got any right negative alert within 90 days of the first change (those followed so long)"),
    Column("days to alert", "from that change to the alert: quartiles"),
    Column("before dormant", "days from the alert until the customer counts as dormant: quartiles"),
)
QUALITY: Final = (0, 1, 2, 3, 4, 5)
TIMING: Final = (0, 6, 7, 8, 9)
"""Columns of the signals' table by number: how right and how complete; how early and how many."""
LOYAL_COLUMNS: Final = (
    Column("measure", "of loyal customers"),
    Column("found", "share of loyal customers, or alerts per customer and year"),
)
TARGET_COLUMNS: Final = (
    Column("target", "what was promised beforehand; precision leaves seasonal customers aside"),
    Column("wanted", "the bound"),
    Column("found", "what was measured"),
    Column("cases", "on how many customers or alerts it rests"),
    Column("verdict", "met, missed, or too few cases to judge (under 50)"),
)
TRUTH_COLUMNS: Final = (
    Column("what changes", "in the simulated life"),
    Column("signal", "that truly applies from then on"),
    Column("within days", "after which an alert of it no longer counts as right"),
    Column("expected of", "the customers who count for recall"),
)
KINDS: Final = (
    Column("loyal", "stay, with all the irregularity of people; one in fifty refuses e-mails within a year"),
    Column("fading", "are well until about the middle, then lose interest within weeks, without a word"),
    Column("complaining", "have the same trouble three to six times within nine days; six in ten leave after it"),
    Column("one off", "buy once and look in once or twice"),
    Column("seasonal", "buy much for two or three weeks, then are away for two or three months, again and again"),
    Column("returning", "leave early, are gone for two to four months, and come back for good"),
    Column("newly onboarded", "come late; one half gets on, the other is not seen again after the first day"),
    Column("price confused", "buy several times in days for much more than usual, then ask about the bill"),
    Column("channel hopping", "ask for help on three channels within days, and stay"),
)
BOUNDS: Final = {"at least": "≥", "at most": "≤"}
CHANGE_NAMES: Final = {
    "leaves": "leaves without a word",
    "buys_once": "buys once, never again",
    "stalls": "never gets started",
    "complains": "complains again and again",
    "refuses_mail": "refuses e-mails",
    "hops_channels": "asks on several channels",
    "is_confused": "is confused by a bill",
    "returns": "comes back after 60 days",
}


def chosen(
    places: Sequence[int], columns: Sequence[Column], rows: Iterable[Sequence[str]]
) -> tuple[list[Column], list[list[str]]]:
    """Some columns of a table."""
    return [columns[place] for place in places], [[row[place] for place in places] for row in rows]


def signal_rows(detection: Detection) -> list[tuple[str, ...]]:
    """A row for each signal, in the order of the catalogue."""
    return [_signal_row(score) for score in detection.signals]


def _signal_row(score: SignalScore) -> tuple[str, ...]:
    return (
        score.signal + ("*" if score.polarity == "positive" else ""),
        f"{score.alerts:,}",
        share(score.precision) if score.is_judged else "not judged",
        share(score.precision_steady),
        share(score.recall),
        percent(score.coverage.share) if score.coverage else NONE,
        spread(score.delay),
        spread(score.lead.dormant),
        spread(score.lead.churned),
        f"{score.weekly:.2f}",
    )


def kind_rows(detection: Detection) -> list[tuple[str, ...]]:
    """A row for each kind of customer."""
    return [_kind_row(score) for score in detection.kinds]


def _kind_row(score: KindScore) -> tuple[str, ...]:
    return (
        kind_name(score.kind),
        f"{score.customers:,}",
        rate(score.negative_a_year),
        NONE if score.wrong_a_year is None else f"{score.wrong_a_year.mean:.2f}",
        NONE if score.positive_a_year is None else f"{score.positive_a_year.mean:.2f}",
        share(score.found),
        spread(score.delay),
        spread(score.lead.dormant),
    )


def load_columns(detection: Detection) -> list[Column]:
    """A column for each kind, after the signal's."""
    meaning = "alerts per 1,000 customers of the kind and week"
    return [SIGNAL_COLUMNS[0], *(Column(kind_name(kind.kind), meaning) for kind in detection.kinds)]


def load_rows(detection: Detection) -> list[tuple[str, ...]]:
    """How often each signal speaks of customers of each kind."""
    return [
        (score.signal, *(weekly(score.kinds[kind.kind].weekly) for kind in detection.kinds))
        for score in detection.signals
    ]


def weekly(value: float) -> str:
    """A rate that may be large or hardly anything."""
    return NONE if not value else f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else "<0.1"


def loyal_rows(detection: Detection) -> list[tuple[str, str]]:
    """What loyal customers were bothered with: measure and value."""
    loyal = detection.loyal
    worst_day = ""
    if loyal.worst is not None and loyal.worst.hits and loyal.worst_day is not None:
        worst_day = f" (days {loyal.worst_day} to {loyal.worst_day + SPAN_DAYS})"
    return [
        ("customers", f"{loyal.customers:,}"),
        (f"usage_drop in 60 days, the worst of all{worst_day}", share(loyal.worst)),
        ("usage_drop in 60 days, mean of consecutive ones", NONE if loyal.mean is None else percent(loyal.mean)),
        ("the worst 60 days of those active 1 day in 5", share(loyal.worst_regular)),
        ("usage_drop at any time", share(loyal.ever)),
        ("negative alerts a year", rate(loyal.negative_a_year)),
        *((f"  of these {signal}", _few(count)) for signal, count in _by_size(loyal.by_signal)),
    ]


def _few(a_year: float) -> str:
    return f"{a_year:.2f}" if a_year >= 0.005 else "<0.01"


def _by_size(counts: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(counts.items(), key=lambda entry: -entry[1])


def target_row(target: Target) -> tuple[str, ...]:
    """One target and how it went."""
    wanted = percent(target.wanted) if target.is_share else f"{target.wanted:.2f}"
    found = NONE
    if target.found is not None and target.low is not None and target.high is not None:
        if target.is_share:
            found = with_interval(target.found, target.low, target.high)
        else:
            found = f"{target.found:.2f} ({target.low:.2f}-{target.high:.2f})"
    return target.name, f"{BOUNDS[target.bound]} {wanted}", found, f"{target.cases:,}", verdict(target)


def verdict(target: Target) -> str:
    """In a word."""
    return {True: "met", False: "missed", None: "too few"}[target.is_met]


def truth_rows() -> list[tuple[str, ...]]:
    """The declared truth: what each change shows in, within which days, and of whom it is expected."""
    return [
        (CHANGE_NAMES[what], shows.signal, str(shows.within_days), shows.whom)
        for what, shown in SHOWN_BY.items()
        for shows in shown
    ]


def kind_name(kind: str) -> str:
    """A kind as people read it."""
    return kind.replace("_", " ")
