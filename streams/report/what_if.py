"""What another catalogue would change, in words and as rows: for the terminal and for the page."""

from __future__ import annotations

from typing import Final

from models.what_if.comparison import Comparison, Counts, Example, Load, OwnerLoad
from streams.report.numbers import NONE
from streams.report.table import Column
from streams.text.wording import counted

SIGNAL_COLUMNS: Final = (
    Column("signal", "of either catalogue"),
    Column("before", "alerts by the catalogue in force"),
    Column("after", "alerts by the other one"),
    Column("gained", "alerts that only the other one raises"),
    Column("lost", "alerts that only the one in force raises"),
    Column("earlier", "alerts of both that are told on an earlier day by the other one"),
    Column("later", "the same for a later day"),
    Column("days", "by how many days these move: a quarter/half/three quarters of them at most; below 0 is earlier"),
    Column("worse", "alerts of both whose worst severity is higher by the other one"),
    Column("milder", "the same for a lower one"),
    Column("other owner", "alerts of both that somebody else answers"),
)
OWNER_COLUMNS: Final = (
    Column("owner", "who answers the alerts"),
    Column("before", "alerts by the catalogue in force"),
    Column("after", "alerts by the other one"),
    Column("gained", "alerts that only the other one raises"),
    Column("lost", "alerts that only the one in force raises"),
    Column("taken over", "alerts of both that come from another owner"),
    Column("handed over", "alerts of both that go to another owner"),
    Column("a day before", "alerts on a day: the median, what 95 of 100 days do not exceed, and the most"),
    Column("a day after", "the same by the other catalogue"),
)
LIST_COLUMNS: Final = (
    Column("owner", "whose list of the day it is"),
    Column("room before", "how many customers can be put on it in a day"),
    Column("room after", "the same by the other catalogue"),
    Column("new before", "customers put on it on a day: the median, what 95 of 100 days do not exceed, and the most"),
    Column("new after", "the same by the other catalogue"),
    Column("waiting before", "customers for whom there was no room on a day, in the same way"),
    Column("waiting after", "the same by the other catalogue"),
)
EXAMPLE_COLUMNS: Final = (
    Column("customer", "one alert of each of some customers, drawn in the same way every time; signals in turn"),
    Column("day", "on which it was told"),
    Column("signal", "of the catalogue"),
    Column("severity", "the worst it had"),
    Column("owner", "who answers it"),
    Column("why", "what the alert said when it began"),
)
CHANGE_COLUMNS: Final = (
    Column("of", "the signal, or all of them"),
    Column("what", "the part that differs"),
    Column("before", "in the catalogue in force"),
    Column("after", "in the other one"),
)


def sentence(found: Comparison, name: str) -> str:
    """What it comes to, for somebody who reads one sentence."""
    total = found.total
    if total.is_same:
        return f"{name} would have changed nothing: the same {counted(total.before, 'alert')}, on the same days."
    told = f"{name} would have raised {counted(total.after, 'alert')} instead of {total.before:,}{_in_percent(total)}: "
    told += f"{total.gained:,} gained and {total.lost:,} lost"
    if total.common:
        told += f"; of the {total.common:,} in both, {_moves(total)}"
    return f"{told}. {_mostly(found)}{_busiest(found)}".rstrip()


def _in_percent(total: Counts) -> str:
    if not total.before or total.after == total.before:
        return ""
    change = 100 * (total.after - total.before) / total.before
    size = f"{abs(change):.0f}" if abs(change) >= 1 else "less than 1"
    return f" ({size} % {'more' if change > 0 else 'fewer'})"


def _moves(total: Counts) -> str:
    parts = [
        f"{number:,} {words}"
        for number, words in (
            (total.earlier, "are told earlier"),
            (total.later, "are told later"),
            (total.more_severe, "get worse"),
            (total.less_severe, "stay milder"),
            (total.other_owner, "go to another owner"),
        )
        if number
    ]
    if not parts:
        return "none is told on another day or goes elsewhere"
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def _mostly(found: Comparison) -> str:
    """Where most of what is gained and lost comes from."""
    signal, most = max(found.by_signal.items(), key=lambda item: item[1].gained + item[1].lost)
    if not most.gained + most.lost:
        return ""
    parts = [f"{number:,} {word}" for number, word in ((most.gained, "gained"), (most.lost, "lost")) if number]
    return f"Most of it is {signal} ({' and '.join(parts)}). "


def _busiest(found: Comparison) -> str:
    """Whose busy days change most."""
    owner, load = max(found.by_owner.items(), key=lambda item: abs(item[1].load_after.p95 - item[1].load_before.p95))
    before, after = load.load_before.p95, load.load_after.p95
    return (
        ""
        if before == after
        else f"On a busy day (19 of 20 are quieter) {owner} would get {after:,} instead of {before:,}."
    )


def signal_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Signal by signal, what changes most first; signals without an alert in either run are left out."""
    rows = [(name, counts) for name, counts in found.by_signal.items() if counts.before or counts.after]
    rows.sort(key=lambda row: -_size(row[1]))
    return [_signal_row(name, counts) for name, counts in (*rows, ("all", found.total))]


def _size(counts: Counts) -> int:
    return counts.gained + counts.lost + counts.earlier + counts.later + counts.other_owner


def _signal_row(name: str, one: Counts) -> tuple[str, ...]:
    days = NONE if one.shift is None else "/".join(
        f"{round(value):+d}" for value in (one.shift.first, one.shift.median, one.shift.third)
    )  # fmt: skip
    return (
        name,
        f"{one.before:,}",
        f"{one.after:,}",
        *(number(value) for value in (one.gained, one.lost, one.earlier, one.later)),
        days,
        *(number(value) for value in (one.more_severe, one.less_severe, one.other_owner)),
    )


def number(value: int) -> str:
    """A count; a dash for none, so that what changes stands out."""
    return f"{value:,}" if value else NONE


def owner_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Owner by owner, of those who get alerts of their own."""
    return [_owner_row(owner, load) for owner, load in found.by_owner.items() if load.before or load.after]


def _owner_row(owner: str, one: OwnerLoad) -> tuple[str, ...]:
    return (
        owner,
        f"{one.before:,}",
        f"{one.after:,}",
        *(number(value) for value in (one.gained, one.lost, one.taken_over, one.handed_over)),
        a_day(one.load_before),
        a_day(one.load_after),
    )


def list_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Owner by owner, of those on whose list somebody is."""
    both = {owner: (load.list_before, load.list_after) for owner, load in found.by_owner.items()}
    return [
        (
            owner,
            *(f"{one.room:,}" for one in pair),
            *(a_day(one.new) for one in pair),
            *(a_day(one.waiting) for one in pair),
        )
        for owner, pair in both.items()
        if any(one.new.most or one.waiting.most for one in pair)
    ]


def a_day(load: Load) -> str:
    """A number a day: median / 95th of 100 / most."""
    return f"{load.median:,}/{load.p95:,}/{load.most:,}"


def example_rows(examples: tuple[Example, ...]) -> list[tuple[str, ...]]:
    """Some alerts that one run has and the other has not."""
    return [(one.customer_id, one.day, one.signal, one.severity, one.owner, one.summary) for one in examples]


def change_rows(found: Comparison) -> list[tuple[str, ...]]:
    """What differs between the catalogues."""
    return [(one.signal or "all signals", one.part, one.before or NONE, one.after or NONE) for one in found.changes]


def renamed(found: Comparison) -> str | None:
    """A sentence where signals of one catalogue are not in the other: one that got another name is two."""
    gone = [one.signal for one in found.changes if one.what == "gone" and one.signal]
    new = [one.signal for one in found.changes if one.what == "new" and one.signal]
    if not gone or not new:
        return None
    return (
        f"Not in the other catalogue: {', '.join(gone)}; new there: {', '.join(new)}. A signal that only got another "
        "name counts as two: its alerts are lost under the old one and gained under the new one."
    )
