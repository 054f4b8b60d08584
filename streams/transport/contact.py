"""Says once that no broker confirms this worker any more, and once that one does again."""

from __future__ import annotations

import logging

from streams.transport.status import Status

log = logging.getLogger("churn")


class Contact:
    """Looked at every second; two lines an outage, however long it takes and whatever the clients say."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._lost_at: float | None = None

    def look(self, status: Status, now: float) -> None:
        """Compare with the last look; `now` in monotonic seconds."""
        if status.is_leaving:
            return
        if status.is_member(now):
            if self._lost_at is not None:
                log.warning("the brokers confirm this member of the group again, after %.0f s", now - self._lost_at)
            self._lost_at = None
        elif self._lost_at is None and status.is_ready and status.confirmed_at is not None:
            self._lost_at = status.confirmed_at
            log.error(
                "no broker at %s has confirmed this member of the group for %.0f s: until one does, /readyz answers "
                "503 and customers at risk are unknown here, not none",
                self._bootstrap, now - self._lost_at,
            )  # fmt: skip
