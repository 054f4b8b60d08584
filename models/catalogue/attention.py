"""What a catalogue says of who is told of alerts: to whom they are escalated, experiments, how often to contact."""

from collections.abc import Mapping
from typing import Any, Final

from models.catalogue.overlay import is_off
from models.catalogue.reader import Reader
from models.catalogue.rules import ALONE, Team

MOST_HELD_OUT: Final = 0.5
"""The greatest share of customers who are held out: an experiment on more is none any more."""
MOST_A_DAY: Final = 200
"""Customers on an owner's list of a day: what a digest has room for."""
MOST_CONTACT_DAYS: Final = 365
"""Who is left alone for longer has most likely opted out, or should be offered to."""


def read_owners(reader: Reader, owners: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Team]]:
    """Who is told when an owner has not acknowledged an alert in time, and how much each owner can do in a day."""
    escalates_to, teams = {}, {}
    for owner, given in owners.items():
        path, name = ("owners", str(owner)), str(owner)
        if is_off(given):
            continue
        body = reader.mapping(("owners",), owners, owner)
        reader.unknown_keys(path, body, {"escalate_to", "people", "alerts_a_day"})
        if not isinstance(given, Mapping):
            continue
        if "escalate_to" in body or not body:
            escalates_to[name] = reader.text(path, body, "escalate_to")
            if escalates_to[name] == name:
                reader.wrong((*path, "escalate_to"), "must be somebody else than the owner")
        teams[name] = Team(
            reader.whole(path, body, "people", default=ALONE.people, least=1),
            reader.whole(path, body, "alerts_a_day", default=ALONE.alerts_a_day, least=0),
        )
        if teams[name].budget > MOST_A_DAY:
            reader.wrong(path, f"people times alerts_a_day must be at most {MOST_A_DAY}, not {teams[name].budget}")
    return escalates_to, teams


def read_experiment(reader: Reader, catalogue: Mapping[str, Any]) -> tuple[float, str]:
    """The share held out of signals that say nothing of their own, and what customers are drawn with."""
    if is_off(catalogue.get("experiment")) or "experiment" not in catalogue:
        return 0.0, ""
    path, source = ("experiment",), reader.mapping((), catalogue, "experiment")
    reader.unknown_keys(path, source, {"holdout", "salt"})
    share = float(reader.number(path, source, "holdout", default=0.05, least=0, most=MOST_HELD_OUT))
    return share, reader.text(path, {"salt": "churn-signals", **source}, "salt")


def read_contact_days(reader: Reader, catalogue: Mapping[str, Any]) -> int:
    """For how many days it is not suggested again to contact a customer; 0, or nothing said of it: for none."""
    if is_off(catalogue.get("attention")) or "attention" not in catalogue:
        return 0
    path, source = ("attention",), reader.mapping((), catalogue, "attention")
    reader.unknown_keys(path, source, {"contact_days"})
    return reader.whole(path, source, "contact_days", default=0, least=0, most=MOST_CONTACT_DAYS)
