"""A partition as bytes: what a restart begins with (`frozen`).

`freeze` copies what is changed in place, which takes milliseconds; `Frozen.parts` may run in another thread. What a
snapshot does not hold is built anew from its days: windows, and, for another catalogue, the pulse and all that follows
from it.
"""

from typing import Any

import msgspec
from numpy.typing import NDArray

from models.alerts.answers import erasures_in
from models.alerts.attention.trials import end_trials
from models.alerts.episode import SignalAlerts
from models.alerts.retired import known_of, retired
from models.alerts.tables import RowTable
from models.catalogue.rules import Rules
from models.engine.frozen import SNAPSHOT_FORMAT, Arrays, Frozen, Head, SnapshotError, thaw
from models.engine.ledger import Ledger
from models.engine.open_days import day_of, day_values
from models.engine.partition import Partition
from schemas.erasure import erased_name


def freeze(partition: Partition) -> Frozen:
    """Copy a partition: the roster, logs and closed ids are never changed in place: they are looked at as they are.

    It must not be in the middle of a boundary.
    """
    assert not partition.is_behind
    customers, review = partition.customers, partition.review
    head = Head(
        format=SNAPSHOT_FORMAT,
        zone=partition.basis.calendar.zone,
        catalogue="" if review.is_anew else partition.rules.hash,
        alerts_from_ms=review.writer.alerts_from_ms,
        channel_names=customers.days.channel_names.copy(),
        highs=partition.watermark.highs.copy(),
        passed=partition.watermark.boundary,
        closed=customers.boundary,
        ledger=msgspec.msgpack.decode(msgspec.msgpack.encode(partition.ledger), type=Ledger),
        versions=[] if review.scoring is None else review.scoring.versions.copy(),
        open_days={day: day_values(opened) for day, opened in customers.days.open.items()},
        late_days={day: day_values(opened) for day, opened in customers.days.late.items()},
        late_rows=sorted(customers.waiting_late),
        waiting=[(feed, day, list(rows)) for (feed, day), rows in partition.early.waiting.items()],
        signals={of.signal.id: known_of(of.signal) for of in review.all_alerts if len(of.open) or of.early},
        early={of.signal.id: {row: days.copy() for row, days in of.early.items()} for of in review.alerts if of.early},
        corroborated={of.signal.id: of.corroborated.copy() for of in review.alerts if of.corroborated},
        currency=partition.basis.currency,
        commands=[*partition.inbox.waiting],
        snoozed={of.signal.id: of.snoozed.copy() for of in review.all_alerts if of.snoozed},
        held={of.signal.id: of.held.copy() for of in review.all_alerts if of.held},
        words={customer_id: words.copy() for customer_id, words in review.quiet.words.items()},
        erased=customers.erased.since.copy(),
        unswept=sorted(customers.erased.unswept),
        salt=customers.erased.name_of(""),
        contacted=review.follow_up.contacts.at.copy(),
        outages=customers.outages.kept(),
        running={} if review.scoring is None else dict(review.scoring.running),
        judged_by=partition.judged_by.copy(),
        aliases=customers.aliases.kept(),
    )
    return Frozen(head, _arrays(partition), *([] if review.scoring is None else [review.scoring.frozen()]))


def _arrays(partition: Partition) -> dict[str, NDArray[Any]]:
    customers, review = partition.customers, partition.review
    parts: dict[str, Arrays] = {
        "roster": customers.roster.to_arrays(),
        "columns": customers.columns.to_arrays(customers.size),
        "ids": partition.ids.to_arrays(),
        **{f"days/{name}": log.to_arrays() for name, log in customers.days.logs.items()},
    }
    for of in review.all_alerts:
        tables = _tables(of) | {"cooling": of.still_cooling(customers.boundary)}
        parts |= {f"alerts/{of.signal.id}/{name}": table.to_arrays() for name, table in tables.items()}
    return {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def _tables(of: SignalAlerts) -> dict[str, RowTable]:
    return {"open": of.open, "cooling": of.cooling, "pending": of.pending, "trials": of.trials}


def load(
    data: bytes | bytearray, rules: Rules, *, number: int = 0, partitions: int = 1, limit_dead_letters: bool = True
) -> Partition:
    """The partition of a snapshot. Raises SnapshotError for another format or zone, or for what is none."""
    partition = Partition(rules, number=number, partitions=partitions, limit_dead_letters=limit_dead_letters)
    load_into(partition, data, rules)
    return partition


def load_into(partition: Partition, data: bytes | bytearray, rules: Rules) -> None:
    """Let a partition go on from a snapshot, by rules; what it knew is forgotten. Raises as `load` does."""
    head, arrays = _checked(data, rules)
    partition.set_up(rules, head.alerts_from_ms)
    customers, review = partition.customers, partition.review
    partition.judged_by = head.judged_by
    customers.roster.set_arrays(_part(arrays, "roster"))
    customers.columns.set_arrays(_part(arrays, "columns"))
    customers.boundary = head.closed
    customers.outages.states = [head.outages]
    days = customers.days
    days.set_channel_names(head.channel_names)
    for name, log in days.logs.items():
        log.set_arrays(_part(arrays, f"days/{name}"))
    days.open = {day: day_of(values) for day, values in head.open_days.items()}
    days.late = {day: day_of(values) for day, values in head.late_days.items()}
    customers.waiting_late = set(head.late_rows)
    partition.ledger = head.ledger
    partition.watermark.resume(head.highs, head.passed)
    partition.inbox.waiting, review.quiet.words = dict.fromkeys(head.commands), head.words
    erased, customers.aliases = customers.erased, head.aliases
    customers.aliases.find_rows(customers.roster)
    erased.since, erased.unswept = head.erased, {*head.unswept}
    erased.due = {one: at for one, at in erasures_in(head.commands).items() if head.aliases.is_here(one, at)}
    review.follow_up.contacts.at = head.contacted
    partition.ids.set_arrays(_part(arrays, "ids"), head.closed)
    partition.early.waiting = {
        (feed, day): dict.fromkeys(rows) for feed, day, rows in head.waiting if partition.early.has_signals(feed)
    }
    _load_alerts(partition, head, arrays)
    if review.scoring is not None:
        scoring = _part(arrays, "scoring")
        if scoring:
            review.scoring.set_arrays(scoring, head.versions)
        review.scoring.running = {name: head.running.get(name, at) for name, at in review.scoring.running.items()}
    review.resume(is_anew=head.catalogue != rules.hash)


def _checked(data: bytes | bytearray, rules: Rules) -> tuple[Head, dict[str, NDArray[Any]]]:
    head, arrays = thaw(data)
    if head.zone != rules.basis.calendar.zone:
        remedy = "Days were counted in that zone: set CHURN_ZONE back, or begin anew with another CHURN_APP_VERSION."
        raise SnapshotError("CHURN_ZONE", f"{rules.basis.calendar.zone}, but the state is of {head.zone}", remedy)
    if head.currency != rules.basis.currency:
        remedy = "Amounts were counted in it: set `currency` back, or begin anew with another CHURN_APP_VERSION."
        value = f"its currency is {rules.basis.currency}, but the state's is {head.currency}"
        raise SnapshotError("the catalogue", value, remedy)
    if head.erased and head.salt != erased_name(rules.basis.erasure_salt, ""):
        value = "another than the customers were erased with: they would come back"
        raise SnapshotError("CHURN_ERASURE_SALT", value, "Set it back to what it was.")
    return head, arrays


def _load_alerts(partition: Partition, head: Head, arrays: Arrays) -> None:
    known = {name.split("/")[1] for name in arrays if name.startswith("alerts/")}
    alerts = {of.signal.id: of for of in partition.review.all_alerts}
    for signal in sorted(head.signals.keys() - alerts.keys()):  # it left the catalogue: its alerts are closed
        alerts[signal] = SignalAlerts(retired(signal, head.signals[signal]))
        partition.review.alerts.append(alerts[signal])
    for signal in sorted(known & alerts.keys()):
        of = alerts[signal]
        for name, table in _tables(of).items():
            if name == "pending" and of.signal.persistence == 1:
                continue  # nobody counts, so that a longer count must begin anew
            table.set_arrays(_part(arrays, f"alerts/{signal}/{name}"))
        of.early = head.early.get(signal, {})
        of.corroborated = head.corroborated.get(signal, {})
        of.snoozed, of.held = head.snoozed.get(signal, {}), head.held.get(signal, {})
        if not of.signal.holdout:
            end_trials(of)


def _part(arrays: Arrays, part: str) -> dict[str, NDArray[Any]]:
    prefix = f"{part}/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
