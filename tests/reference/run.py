"""The reference: what a run must publish and know, customer by customer, by the plainest way there is.

It is a witness for the engine: written from the specification, it shares no code with what it is compared with.
"""

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from msgspec import json

from models.calendar import DAY_MS
from models.catalogue.rules import Rules
from models.config import Basis
from reference.erased import NEVER, erasures, is_refused, receipt_for_nobody
from reference.life import Life, Risks
from reference.merged import Identity, identity_of
from reference.outage import Watch
from reference.past import MAX_SUM, Happened, channels_of, happened, note_of, notes_of
from reference.spoken import Said, Spoken, receipt_of
from reference.weather import CLEAR, Weather
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET, Event
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptReason, ReceiptV1
from schemas.stage import StageChangeV1
from schemas.suppressed import SuppressedV1

Changes = Mapping[int, Rules]
"""The catalogue in force from the event of this number on; 0 is the first."""


@dataclass(frozen=True)
class Outcome:
    """What a run published, every revision, and what it knows at its end."""

    alerts: list[AlertV1]
    stages: list[StageChangeV1]
    receipts: list[ReceiptV1]
    suppressed: list[SuppressedV1]
    outcomes: list[OutcomeV1]
    states: dict[str, dict[str, Any]]


class Moment(NamedTuple):
    """An event as it is taken (None: the clock alone), the rules in force, the feeds' clocks after it, the boundary."""

    event: Event | None
    rules: Rules
    verdict: Literal["applied", "applied late", "no"]
    clocks: tuple[int, ...]
    boundary: int
    said: Said | None = None
    command: Command | None = None
    """What came instead of an event; `said` unless it came before."""


Running = Callable[[Basis, int, int], Mapping[str, float]]
"""By the boundary that was passed, and the one that is judged (it or one before): the running constants in force."""


def run(
    moments: Sequence[Moment],
    alerts_from_ms: int = 0,
    risks: Risks | None = None,
    but: Container[str] = (),
    running: Running = lambda _basis, _passed, _judged: {},
) -> Outcome:
    """What becomes of the customers of one partition, but some."""
    watch, since = Watch(moments[0].rules, alerts_from_ms), erasures(one.said for one in moments if one.said)
    watch.erased_at = since
    weathers = _weathers(moments, watch)
    calendar = moments[-1].rules.basis.calendar
    identity = identity_of((one.said for one in moments if one.said), calendar, since)
    seen = {one.event.customer_id for one in moments if one.event and one.verdict != "no"}
    among = [one for one in sorted(seen) if one not in but]
    lives = _lives(among, moments, identity, alerts_from_ms, risks, weathers, running)
    spoken: list[Spoken] = [*lives, *watch.lives]
    alerts, stages = [one for life in spoken for one in life.alerts], [one for life in lives for one in life.stages]
    receipts = [one for life in spoken for one in life.receipts]
    receipts += [one for boundary, one in identity.receipts if boundary <= moments[-1].boundary]
    receipts += [_refused(one, moments[-1].rules) for one in _said_of_nobody(moments, spoken, since, identity)]
    late = [one.said for one in moments if one.said and _is_of_erased(one.said, since)]
    nameless = (
        receipt_for_nobody(one, moments[-1].rules.basis) for one in late if one.boundary <= moments[-1].boundary
    )
    receipts += dict.fromkeys(nameless)  # without names two may be the same
    suppressed = [one for life in spoken for one in life.suppressed]
    outcomes = [one for life in lives for one in life.outcomes]
    here = [life for life in lives if not life.is_erased and not _is_away(life, identity, moments[-1].boundary)]
    states = {life.customer_id: _state(life, moments[-1].boundary) for life in here}
    return Outcome(alerts, stages, receipts, suppressed, outcomes, states)


def _is_of_erased(said: Said, since: Mapping[str, int]) -> bool:
    return said.boundary >= since.get(said.command.customer_id, NEVER)


def _said_of_nobody(
    moments: Sequence[Moment], lives: Sequence[Spoken], since: Mapping[str, int], identity: Identity
) -> list[Said]:
    """What was due while nothing was known of its customer, who was not erased either."""
    known, boundary = {life.name for life in lives}, moments[-1].boundary
    said = [one for life in lives for one in life.said]
    said += [one.said for one in moments if one.said and one.said.command.customer_id not in known]
    said = [one for one in said if one not in identity.answered]
    return [one for one in said if one.boundary <= boundary and not _is_of_erased(one, since)]


def _refused(said: Said, rules: Rules) -> ReceiptV1:
    reason: ReceiptReason | None = None if said.command.alert_id is None else "no_open_alert"
    return receipt_of(said, rules.basis.calendar, "too_late" if said.is_late else reason, None)


def _weathers(moments: Sequence[Moment], watch: Watch) -> dict[int, Weather]:
    """By boundary, which feeds were down; what is told of them is the watch's."""
    found: dict[int, Weather] = {}
    passed, first = -1, None
    for event, rules, verdict, _, boundary, said, _ in moments:
        if said is not None:
            watch.hear(said)
        if event is not None and verdict != "no":
            day = rules.basis.calendar.day_of(event.time_ms)
            first = day if first is None else min(first, day) if passed < 0 else first
            watch.take(event, rules.basis)
        if boundary > passed and first is not None:
            for midnight in range(max(passed, first) + 1, boundary + 1):
                found[midnight] = watch.review(midnight, rules)
        passed = boundary
    return found


def _is_away(life: Life, identity: Identity, boundary: int) -> bool:
    """Whether somebody is an alias of whom nothing is known here."""
    merge = identity.merges.get(life.customer_id)
    is_known = any(one.is_activity or "purchases" in one.adds for one in life.seen + life.late)
    return merge is not None and merge.since <= boundary and not is_known


def _lives(
    everybody: Collection[str], moments: Sequence[Moment], identity: Identity, alerts_from_ms: int,
    risks: Risks | None, weathers: Mapping[int, Weather], running: Running,
) -> list[Life]:  # fmt: skip
    """Everybody who was seen, those together who have to do with each other."""
    lives: dict[str, Life] = {}
    for customer_id in everybody:
        if customer_id not in lives:
            group = sorted(identity.group(customer_id))
            lives |= {one: Life(moments[0].rules, one, alerts_from_ms, risks) for one in group}
            _live({one: lives[one] for one in group}, moments, identity, weathers, running)
    return [life for life in lives.values() if life.customer_id in everybody or life.seen or life.late or life.alerts]


def _live(
    lives: Mapping[str, Life],
    moments: Sequence[Moment],
    identity: Identity,
    weathers: Mapping[int, Weather],
    running: Running,
) -> None:
    """What becomes of some customers who have to do with nobody else."""
    passed = -1
    for event, rules, verdict, clocks, boundary, said, _ in moments:
        _hear(lives, said, identity)
        for life in lives.values():
            if rules is not life.rules:
                life.go_on_by(rules)
            life.release(clocks)
        if event is not None and event.customer_id in lives and verdict != "no":
            owner, by = identity.owner(event.customer_id, passed)
            life, one = lives[owner], happened(event, rules.basis)
            if not by or (one.adds and max(one.day, passed) < life.erased_at):
                life.boundary = passed
                life.take(one, is_late=verdict == "applied late")
                life.release(clocks)
        for midnight in range(_first_midnight(lives, passed, boundary, identity), boundary + 1):
            _pass(lives, midnight, identity, weathers.get(midnight, CLEAR), running(rules.basis, boundary, midnight))
        passed = boundary


def _first_midnight(lives: Mapping[str, Life], passed: int, boundary: int, identity: Identity) -> int:
    """The first midnight behind one that was passed at which anything can come of some customers."""
    days = [one.day for life in lives.values() for one in life.seen + life.late] if boundary > passed else []
    days += [one.since for life in lives.values() for one in life.coming]
    days += [life.erased_at - 1 for life in lives.values() if life.erased_at > passed]
    days += [identity.merges[name].since - 1 for name in lives if name in identity.merges]
    return max(passed, min((day for day in days if day >= 0), default=boundary)) + 1


def _hear(lives: Mapping[str, Life], said: Said | None, identity: Identity) -> None:
    """Something was said, maybe of one of them."""
    if said is None or lives.keys().isdisjoint({said.command.customer_id, said.command.into}):
        return
    told = said.command
    if said in identity.announced:
        for name in (told.customer_id, str(told.into)):
            if name in lives:
                lives[name].quiet_from = min(said.boundary, lives[name].quiet_from)
    if said not in identity.answered and told.customer_id in lives:
        lives[told.customer_id].hear(said)


def _pass(
    lives: Mapping[str, Life], midnight: int, identity: Identity, weather: Weather, running: Mapping[str, float]
) -> None:
    """A midnight: who joined counts, who is erased goes, then aliases leave, then all others are judged."""
    coming = [(life, one) for life in lives.values() for one in life.coming if one.since < midnight]
    for life, one in coming:
        life.coming.remove(one)
        merge = identity.merges.get(life.customer_id)
        if merge is not None and merge.since < midnight and merge.into not in one.by:
            by = (*one.by, life.customer_id)
            lives[merge.into].coming.append(one._replace(since=midnight, by=by))
        elif not life.is_erased:
            life.join(one, midnight)
    for life in lives.values():
        if life.erased_at == midnight:
            life.erase()
    for name, life in lives.items():
        merge = identity.merges.get(name)
        if merge is not None and merge.since == midnight and not life.is_erased:
            lives[merge.into].coming.append(life.leave(midnight))
    for life in lives.values():
        known = life.seen + life.late
        if not life.is_erased and known and min(one.day for one in known) < midnight:
            life.review(midnight, weather, running)


def _state(life: Life, boundary: int) -> dict[str, Any]:
    since, announced = life.stage_since if life.stage else None, {n: sorted(d) for n, d in life.announced.items()}
    life.boundary = boundary
    verdict = {
        "stage": life.stage,
        "stage_since": since,
        "do_not_contact": life.reasons(life.refused),
        "episodes": life.episodes,
        "announced": announced,
        "snoozed": life.snoozed,
        "contacted": life.contacted,
        "trials": life.trials,
    }
    facts = facts_of(life.seen + life.late, boundary - life.basis.keep_days)
    verdict = json.decode(json.encode(verdict))
    return {"customer_id": life.customer_id, "boundary": boundary, "facts": facts, "verdict": verdict}


def facts_of(seen: Sequence[Happened], floor: int) -> dict[str, Any]:
    """What was observed, open days too; of days before `floor` only the totals and the first activity are kept."""

    def sums(of: Sequence[Happened], names: str) -> list[int]:
        return [min(sum(one.adds.get(name, 0) for one in of), MAX_SUM) for name in names.split()]

    def by_day(feed: int, row: Callable[[list[Happened]], Any]) -> dict[str, Any]:
        kept = [one for one in seen if one.event.feed == feed and one.day >= floor and one.adds]
        return {str(day): row([one for one in kept if one.day == day]) for day in sorted({one.day for one in kept})}

    def notes(feed: int, of: list[Happened]) -> list[list[Any]]:
        return [[*note_of(one.event)] for one in notes_of(of, feed, of[0].day)]

    def first(feed: int) -> int:
        return min((one.day for one in seen if one.is_activity and one.event.feed == feed), default=-1)

    return {
        "first": [first(feed) for feed in range(len(FEEDS))],
        "totals": sums(seen, "purchases spend unrated"),
        "purchases": by_day(PURCHASE, lambda of: sums(of, "purchases spend items")),
        "logins": by_day(LOGIN, len),
        "tickets": by_day(TICKET, lambda of: [
            sums(of, "complaint billing delivery return other"), *sums(of, "tickets_reopened tickets_resolved"),
            channels_of(of, of[0].day), notes(TICKET, of)]),
        "emails": by_day(EMAIL, lambda of: [
            sums(of, "sent opened clicked unsubscribed complained bounced"), notes(EMAIL, of)]),
    }  # fmt: skip


def moments_of(arrivals: Sequence[Event | Command], changes: Changes, until_ms: int | None) -> Iterator[Moment]:
    """What becomes of each event, and the boundaries passed; at the end all clocks may be lifted, feed by feed.

    An id is compared with those of events as many days older or younger as an event may be late. Feeds that are not
    declared do not hold the boundary back, but an event of theirs is late as any other is.
    """
    known: dict[tuple[int, str, str], list[tuple[int, Event]]] = {}
    orders: dict[tuple[str, str], list[int]] = {}
    clocks, boundary, rules = (-1,) * len(FEEDS), -1, changes[0]
    is_unsure, since = False, dict[str, int]()
    for place, event in enumerate(arrivals):
        rules, is_unsure = changes.get(place, rules), is_unsure or place in changes
        if isinstance(event, Command):
            said = _said(event, rules.basis, boundary, orders)
            for who, at in erasures([said] if said else []).items():
                since[who] = min(at, since.get(who, NEVER))
            yield Moment(None, rules, "no", clocks, boundary, said, event)
            continue
        basis, day = rules.basis, rules.basis.calendar.day_of(event.time_ms)
        behind_ms = basis.calendar.start_of(boundary) - event.time_ms if boundary >= 0 else 0
        verdict: Literal["applied", "applied late", "no"] = "applied late" if behind_ms > 0 else "applied"
        days, same = -(-basis.lateness_ms // DAY_MS), known.setdefault((event.feed, event.customer_id, event.id), [])
        near = [one for on, one in same if abs(on - day) <= days and on >= boundary - 2 * days - 1]
        if is_refused(event.customer_id, day, boundary, since):
            verdict, near = "no", []
        elif behind_ms > basis.lateness_ms or near:
            verdict = "no"
        else:
            same.append((day, event))
        is_conflict = bool(near) and (near[0].time_ms, near[0].data) != (event.time_ms, event.data)
        if event.time_ms > clocks[event.feed] and not is_conflict:
            clocks, is_unsure = _lifted(clocks, event.feed, event.time_ms), True
        if is_unsure:  # also behind the first event by another catalogue: the feed that held it back may be none now
            boundary, is_unsure = max(boundary, _reached(clocks, basis)), False
        yield Moment(event, rules, verdict, clocks, boundary)
    if until_ms is None:
        return
    for feed in range(len(FEEDS)):
        clocks = _lifted(clocks, feed, until_ms)
        boundary = max(boundary, _reached(clocks, rules.basis))
        yield Moment(None, rules, "no", clocks, boundary)


def _lifted(clocks: tuple[int, ...], feed: int, time_ms: int) -> tuple[int, ...]:
    """The clocks once one feed has reached an instant."""
    return (*clocks[:feed], max(clocks[feed], time_ms), *clocks[feed + 1 :])


def _said(command: Command, basis: Basis, boundary: int, known: dict[tuple[str, str], list[int]]) -> Said | None:
    """A command unless it came before; decided at the first boundary behind it that is still to come."""
    if boundary >= 0 and command.at_ms < basis.calendar.start_of(boundary) - basis.lateness_ms:
        at = known.setdefault(("late", repr(command)), [])
        if boundary in at:  # said again before it was decided
            return None
        at.append(boundary)
        return Said(command, boundary + 1, is_late=command.action != "erase")
    day, days = basis.calendar.day_of(command.at_ms), -(-basis.lateness_ms // DAY_MS)
    same = known.setdefault((command.customer_id, command.id), [])
    if any(abs(on - day) <= days and on >= boundary - 2 * days - 1 for on in same):
        return None
    same.append(day)
    return Said(command, max(day, boundary) + 1, is_late=False)


def _reached(clocks: Sequence[int], basis: Basis) -> int:
    """The boundary that the watermark has reached; none before every declared feed has shown an event."""
    least = min(clocks[feed] for feed in basis.feeds)
    return -1 if least < 0 else basis.calendar.day_of(least - basis.disorder_ms)
