"""The order of commit, on which the guarantee rests.

1. Everything written and sent for the frames taken (changelog and outputs) is acknowledged by the broker. What is sent
   meanwhile for later frames is not waited for: under a steady stream there would be no end to it.
2. The source offsets behind those frames are committed.
3. The owner is told, and may forget what it kept to send again.

A crash between two of these costs a redelivery, never a loss. A broker that is away postpones all three.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from faust.types import TP

from streams.transport.offsets import Mark
from streams.transport.producer import FLUSH_TIMEOUT_S, flushed

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp


async def commit_taken(app: FrameApp, commit_offsets: Callable[[Mapping[TP, Mark]], Awaitable[bool]]) -> bool:
    """Whether everything taken so far is now committed. A delivery that failed ends the worker instead."""
    if not _may_commit(app):
        return False
    began, batch = time.monotonic(), app.ledger.pending()
    if not batch:
        app.status.uncommitted_since = None  # what was owed is another worker's now
        return False
    try:
        is_flushed = await flushed(app.outputs, FLUSH_TIMEOUT_S)
        is_committed = is_flushed and _may_commit(app) and await _committed(batch.marks, commit_offsets)
    except Exception as exc:  # noqa: BLE001 # whatever it is, the worker must not go on without commits
        await app.fail(exc)
        return False
    if not is_committed:
        app.status.commit_failures += 1
        return False
    app.status.commits += 1
    for partition, sequence in app.ledger.commit(batch).items():
        app.owner.committed(partition, sequence)
    app.status.uncommitted_since = began if app.ledger.pending() else None  # taken while this commit was under way
    return True


async def _committed(marks: Mapping[TP, Mark], commit_offsets: Callable[[Mapping[TP, Mark]], Awaitable[bool]]) -> bool:
    """Whether the offsets are with the broker; frames without records have none."""
    return not marks or await commit_offsets(marks)


def _may_commit(app: FrameApp) -> bool:
    """Not while partitions are restored: the restore may find less than was taken before, so those marks are void."""
    return app.failure is None and not app.status.is_restoring
