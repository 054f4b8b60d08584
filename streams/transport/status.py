"""What the transport can say about itself, for metrics, readiness and the watchdog.

Written on the event loop only, but for `confirmed_at`, which is the consumer's thread's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Faust takes long to import, and wrong settings are told before
    from faust.types import TP


@dataclass(slots=True)
class Status:
    """Plain numbers, read by other threads at any time.

    `lag` holds, for each source, records not taken yet (None: not known yet); `is_behind`: there is work that waits for
    no record. `moves` counts everything that is progress: frames taken, records restored, assignments; `moved_at` and
    `looked_at` are monotonic seconds. Once `is_leaving`, what is still owned here may be another worker's; `exit_code`
    is set when everything is over.
    `confirmed_at`: the monotonic time at which the group last confirmed this member, good for `session_s`.
    """

    assigned: frozenset[int] = frozenset()
    is_restoring: bool = True
    is_rebalancing: bool = True
    is_leaving: bool = False
    is_behind: bool = False
    exit_code: int | None = None
    rebalances: int = 0
    restores: int = 0
    restore_seconds: float = 0.0
    restored_records: int = 0
    commits: int = 0
    commit_failures: int = 0
    frames: int = 0
    records: int = 0
    session_s: float = 6.0
    confirmed_at: float | None = None
    uncommitted_since: float | None = None
    lost_offsets: int = 0
    rewrites: int = 0
    moves: int = 0
    moved_at: float = field(default_factory=time.monotonic)
    looked_at: float = field(default_factory=time.monotonic)
    lag: dict[TP, int | None] = field(default_factory=dict)

    def owe_commit(self) -> None:
        """Something was taken that is not committed; it may have been taken before, never later than now."""
        if self.uncommitted_since is None:
            self.uncommitted_since = time.monotonic()

    @property
    def is_ready(self) -> bool:
        """Assigned and restored. A worker without partitions (more workers than partitions) is ready too."""
        return not (self.is_restoring or self.is_rebalancing or self.is_leaving)

    def unready(self, now: float) -> str | None:
        """Why what is known here may not be relied on, None when it may: what `/readyz` says."""
        if self.is_leaving:
            return "leaving"
        if self.is_rebalancing and not self.assigned:
            return "waiting for the group to assign partitions"
        if self.is_restoring:
            return "restoring the state of its partitions"
        if self.is_rebalancing:
            return "the group is assigning partitions anew"
        if not self.is_member(now):
            silent = "" if self.confirmed_at is None else f" for {now - self.confirmed_at:.0f} s"
            return f"no broker has confirmed this member of the group{silent}: another may own its partitions"
        return None

    def is_member(self, now: float) -> bool:
        """Whether what is owned here cannot be another worker's: the group was heard of within the session timeout.

        A worker that was paused, or is cut off from the brokers, has been given up by then, and does not know it yet.
        """
        return not self.is_leaving and self.confirmed_at is not None and now - self.confirmed_at < self.session_s

    def total_lag(self) -> int:
        """Records not taken yet; a topic of which nothing is known counts as one."""
        return sum(1 if lag is None else lag for lag in self.lag.values())

    def worked(self) -> None:
        """A long step goes on, a midnight of many customers: neither it nor the event loop that waits for it is stuck.

        Nor can anything be committed meanwhile.
        """
        self.moved()
        self.looked_at = self.moved_at
        if self.uncommitted_since is not None:
            self.uncommitted_since = self.moved_at

    def moved(self, by: int = 1) -> None:
        """Something made progress."""
        if by:
            self.moves += by
            self.moved_at = time.monotonic()
