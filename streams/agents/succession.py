"""Whose catalogue judges a partition: the one of its snapshot and those on record behind it, then the worker's own."""

from __future__ import annotations

import logging

from models.calendar import date_of
from models.catalogue.catalogue import rules_again
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules
from models.engine.taking_up import NOTHING_DECIDED, first_free, on_record, plan, take_up
from streams.agents.owned import OwnedPartition
from streams.transport.snapshots.load import Loaded

log = logging.getLogger("churn")


def catalogues_of(loaded: Loaded, ours: Rules) -> dict[str, Rules]:
    """The catalogues that judged a partition and will again, by hash: ours for what this program cannot read."""
    manifest = loaded.manifest
    if manifest is None:
        return {}
    named = {manifest.catalogue, *(one.catalogue for one in loaded.begun)} - {""}
    return {name: _rules_of(name, loaded, ours) for name in sorted(named)}


def plan_recorded(own: OwnedPartition) -> None:
    """Have a restored partition take up what it took up before."""
    own.recorded = on_record(own.partition, own.expected, own.catalogues.__getitem__)
    plan(own.partition, own.recorded)


def succeed(own: OwnedPartition, ours: Rules) -> None:
    """Have it take up ours behind that, at the first boundary of which nothing was decided; say in the log which."""
    partition = own.partition
    judging = own.recorded[-1][1] if own.recorded else partition.rules
    if judging.hash == ours.hash:
        return
    left_open = {} if own.published is None else own.published.alerts_left_open()
    fired = [partition.basis.calendar.day_of_text(one.starts_at) for one in left_open.values() if one.stage is None]
    boundary = first_free(partition, own.expected, fired)
    if boundary == NOTHING_DECIDED:
        take_up(partition, ours)
        return
    plan(partition, [*own.recorded, (boundary, ours)])
    log.warning(
        "partition %d: judged by catalogue %s until now, from the midnight %s on by %s; `replay` decides alike with "
        "--then %d:%s=FILE of that catalogue",
        own.number, judging.hash, date_of(boundary), ours.hash, own.number, date_of(boundary - 1),
    )  # fmt: skip


def _rules_of(name: str, loaded: Loaded, ours: Rules) -> Rules:
    if name == ours.hash:
        return ours
    try:
        return rules_again(loaded.rules[name], ours)
    except (CatalogueError, KeyError, ValueError) as error:
        log.error(  # noqa: TRY400 - told, no crash
            "partition %d: the catalogue %s, which judged it until now, cannot be read by this program (%s): it is "
            "judged by %s at once, and what stands published otherwise is put right",
            loaded.partition, name, type(error).__name__, ours.hash,
        )  # fmt: skip
        return ours
