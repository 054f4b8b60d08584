"""The kinds of synthetic customers, each with its share and its course of life. Changes happen on whole days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from models.detection.truth import What
from schemas.event import Email, TicketCategory
from streams.simulation.lives import (
    HELP_CHANNELS,
    Habits,
    Happening,
    campaigns,
    fade,
    first_days,
    logins,
    order,
    purchases,
    steady,
    ticket,
)


@dataclass(frozen=True, slots=True)
class HabitChange:
    """Something changes in a life, on a whole day after the start."""

    what: What
    at: int


@dataclass(frozen=True, slots=True)
class Life:
    """What happened to a customer and what changed in its life. `turns_at`: the day its kind begins to show."""

    begins_at: int
    happenings: list[Happening]
    turns_at: int | None = None
    changes: tuple[HabitChange, ...] = ()


def loyal(rng: Random, days: float) -> Life:
    """Stays; one in fifty refuses e-mails in a year and stays all the same."""
    begin = int(rng.uniform(0, days / 10))
    happenings = steady(rng, Habits.drawn(rng), begin, days)
    if rng.random() < 0.02 * days / 365:
        day = int(rng.uniform(begin, days))
        kept = [one for one in happenings if not (isinstance(one.data, Email) and one.at > day)]
        return Life(begin, [*kept, *_refusal(rng, day)], None, (HabitChange("refuses_mail", day),))
    return Life(begin, happenings)


def fading(rng: Random, days: float) -> Life:
    """Is well until about the middle, then loses interest without a word."""
    begin, turn, habits = int(rng.uniform(0, days / 10)), int(days * rng.uniform(0.4, 0.65)), Habits.drawn(rng)
    happenings = [*steady(rng, habits, begin, turn), *fade(rng, habits, turn, days)]
    return Life(begin, happenings, turn, (HabitChange("leaves", turn),))


def complaining(rng: Random, days: float) -> Life:
    """The same trouble again and again within a week or two; six in ten leave ten days after it began."""
    begin, turn, habits = int(rng.uniform(0, days / 10)), int(days * rng.uniform(0.4, 0.7)), Habits.drawn(rng)
    category: TicketCategory = rng.choice(("complaint", "billing", "delivery"))
    changes = [HabitChange("complains", turn)]
    if rng.random() < 0.6:
        changes.append(HabitChange("leaves", turn + 10))
        happenings = [*steady(rng, habits, begin, turn + 10), *fade(rng, habits, turn + 10, days)]
    else:
        happenings = steady(rng, habits, begin, days)
    for _ in range(rng.randint(3, 6)):
        solved = 3.0 if rng.random() < 0.5 else None
        channel = habits.help_channel if rng.random() < 0.5 else rng.choice(HELP_CHANNELS)
        happenings += ticket(rng, turn + rng.uniform(0, 9), category, channel=channel, solved_after=solved)
    if rng.random() < 0.3:
        day = turn + rng.randint(8, 12)
        changes.append(HabitChange("refuses_mail", day))
        happenings = [one for one in happenings if not (isinstance(one.data, Email) and one.at > day)]
        happenings += _refusal(rng, day)
    return Life(begin, happenings, turn, tuple(changes))


def one_off(rng: Random, days: float) -> Life:
    """Buys once and looks in once or twice after it."""
    begin = int(rng.uniform(0, days))
    happenings = [*order(rng, begin, rng.uniform(10, 80)), *logins(rng, begin + 1, begin + 12, 0.1)]
    return Life(begin, happenings, begin, (HabitChange("buys_once", begin),))


def seasonal(rng: Random, days: float) -> Life:
    """Comes for a few weeks, buys much, and is away for months: the silence means nothing."""
    happenings: list[Happening] = []
    changes = []
    begin = season = int(rng.uniform(0, days / 6))
    last = -1.0
    while season < days:
        habits = Habits(0.4, 6.0, 0.4, rng.uniform(20, 60), 1.0, "mail")
        end = season + rng.uniform(10, 25)
        bought = [*order(rng, season, habits.basket), *purchases(rng, season + 5, end, habits)]
        happenings += [*bought, *logins(rng, season, end, habits.logins_a_day)]
        if last >= 0 and season - int(last) >= 60:
            changes.append(HabitChange("returns", season))
        last = max(one.at for one in bought)
        season = int(end + rng.uniform(50, 90))
    return Life(begin, happenings, None, tuple(changes))


def returning(rng: Random, days: float) -> Life:
    """Leaves early, is gone for two to four months, and comes back for good."""
    begin, leaves, habits = int(rng.uniform(0, 5)), int(days * rng.uniform(0.25, 0.35)), Habits.drawn(rng)
    returns = leaves + rng.randint(64, 110)
    happenings = [
        *steady(rng, habits, begin, leaves),
        *fade(rng, habits, leaves, min(days, returns)),
        *order(rng, returns, habits.basket),
        *steady(rng, habits, returns + 3, days, is_new=False),
    ]
    return Life(begin, happenings, returns, (HabitChange("leaves", leaves), HabitChange("returns", returns)))


def newly_onboarded(rng: Random, days: float) -> Life:
    """Comes late; one half gets on, the other half is seen on the first day and never again."""
    begin = int(days * rng.uniform(0.6, 0.98))
    if rng.random() < 0.5:
        return Life(begin, steady(rng, Habits.drawn(rng), begin, days))
    first = next(first_days(rng, begin, begin))
    return Life(begin, [first, *campaigns(rng, begin, days, click=0.01)], begin, (HabitChange("stalls", begin),))


def price_confused(rng: Random, days: float) -> Life:
    """Buys several times in a few days for much more than usual, then does not understand the bill."""
    begin, turn, habits = int(rng.uniform(0, days / 10)), int(days * rng.uniform(0.5, 0.8)), Habits.drawn(rng)
    happenings = steady(rng, habits, begin, days)
    for _ in range(rng.randint(2, 4)):
        happenings += order(rng, turn + rng.uniform(0, 4), habits.basket * rng.uniform(1.5, 4))
    happenings += ticket(rng, turn + rng.uniform(1, 6), "billing", channel=habits.help_channel)
    return Life(begin, happenings, turn, (HabitChange("is_confused", turn),))


def channel_hopping(rng: Random, days: float) -> Life:
    """Asks for help on three channels within days, and stays."""
    begin, turn, habits = int(rng.uniform(0, days / 10)), int(days * rng.uniform(0.3, 0.9)), Habits.drawn(rng)
    happenings = steady(rng, habits, begin, days)
    for channel in rng.sample(HELP_CHANNELS, 3):
        happenings += ticket(rng, turn + rng.uniform(0, 6), rng.choice(("delivery", "other")), channel=channel)
    return Life(begin, happenings, turn, (HabitChange("hops_channels", turn),))


def _refusal(rng: Random, day: int) -> list[Happening]:
    return [Happening(day + rng.uniform(0.3, 0.9), Email(rng.choice(("unsubscribed", "complained"))))]


KINDS: Final[dict[str, tuple[int, Callable[[Random, float], Life]]]] = {
    "loyal": (12, loyal),
    "fading": (12, fading),
    "complaining": (8, complaining),
    "one_off": (32, one_off),
    "seasonal": (8, seasonal),
    "returning": (6, returning),
    "newly_onboarded": (14, newly_onboarded),
    "price_confused": (4, price_confused),
    "channel_hopping": (4, channel_hopping),
}
"""Every kind with its share in per cent and its course of life."""
