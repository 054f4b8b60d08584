"""What people say of the alerts of a history, to be posted beside its events."""

from __future__ import annotations

import random
from collections.abc import Sequence

from models.engine.ledger import COMMANDS
from schemas.alert import AlertV1, decode_alert
from schemas.command import Command, encode_command
from support.arrivals import Arrival
from support.builders import DAY_MS
from support.oracles import Expected
from support.spoken import spoken_of


def commands_about(expected: Expected, seed: int) -> list[Command]:
    """What is said of the alerts of a replay, each id once."""
    alerts = [decode_alert(line) for line in expected.alerts.read_bytes().splitlines()]
    said = spoken_of(sorted(alerts, key=_order), [], random.Random(seed))
    return list({(one.customer_id, one.id): one for one in said if isinstance(one, Command)}.values())


def _order(alert: AlertV1) -> tuple[str, int]:
    return alert.alert_id, alert.revision


def arrivals_of(commands: Sequence[Command]) -> list[Arrival]:
    """Commands as they are posted."""
    return [Arrival(COMMANDS, one.customer_id.encode(), encode_command(one), one.at_ms) for one in commands]


def arrives_ms(one: Arrival, *, is_live: bool) -> int:
    """Live, half a year goes by in seconds: a command is posted two of its days, some milliseconds, ahead."""
    return one.time_ms - (2 * DAY_MS if is_live and one.feed == COMMANDS else 0)
