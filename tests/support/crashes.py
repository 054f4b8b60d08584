"""Kills workers at points that matter, proves what each kill interrupted, and lets a second worker come and go.

The workers run in slices: a few milliseconds, then all are paused and the changelog is read to its end. So a kill lands
where it was meant to, and the proof (read while nothing moves) is of that very moment. The kill itself is kill -9.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from support.watching import Evidence, Watch
from support.workers import Deployment, Positions, Worker

SLICE_S: Final = 0.02
HUNT_SLICE_S: Final = 0.002
"""A frame is sent within some ten milliseconds: to stop in the middle of it the steps must be finer."""
ASK_EVERY: Final = 20
"""Steps after which the broker is asked in any case."""
SETTLE_S: Final = 0.03
"""What a paused worker had already handed to the kernel still arrives."""
STEP_WITHIN_S: Final = 240.0
JOIN_WITHIN_S: Final = 60.0
IDLE_AT_MOST_S: Final = 10.0
"""When all is committed and nothing has been under review for so long, it is too late for what is waited for."""
HOLD_AT_MOST_S: Final = 6.0
"""Below the session timeout: to the group the workers that wait are alive."""


@dataclass
class Report:
    """What was done to the workers of one scenario."""

    kills: list[Evidence] = field(default_factory=list)
    joins: int = 0

    def __str__(self) -> str:
        middle = sum(kill.is_mid_boundary for kill in self.kills)
        return (
            f"{len(self.kills)} kills, redeliveries {[kill.redelivered for kill in self.kills]}, "
            f"{middle} in the middle of a boundary, "
            f"{self.joins} joins"
        )


class Crashes:
    """Drives the workers of one deployment from outside."""

    def __init__(self, deployment: Deployment, mains: list[Worker], total: int, dice: random.Random) -> None:
        """`total`: records that will be posted in all, the measure of progress."""
        self.report = Report()
        self._deployment, self._mains, self._total, self._dice = deployment, mains, total, dice
        self._watch = Watch(deployment)
        self._positions = Positions(deployment)
        self._guest: Worker | None = None
        self._restarted_at = 0

    def close(self) -> None:
        self._watch.close()

    def kill(self, share: float) -> None:
        """Kill one of the workers when this share is done and something it did is not committed; start it again."""
        self._kill(share, lambda evidence: evidence.redelivered > 0, SLICE_S)

    def kill_mid_boundary(self, share: float) -> None:
        """The same, but in the middle of the reviews of a boundary."""
        self._kill(share, lambda evidence: evidence.redelivered > 0 and evidence.is_mid_boundary, HUNT_SLICE_S)

    def start_as(self, share: float, deployment: Deployment) -> None:
        """When this share is done, end the first worker by SIGTERM and the others by kill -9; start them otherwise."""
        first, *others = self._mains

        def end() -> None:
            first.process.terminate()  # it hears of it when it is resumed
            for worker in others:
                worker.kill_9()

        self._step_until(lambda: self._progress() >= share, SLICE_S, at_the_end=end)
        assert first.terminate() == 0, first.log_tail()
        self._watch.catch_up()
        self._restarted_at = self._watch.taken
        for worker in self._mains:
            worker.deployment = deployment
            worker.start()

    def join(self, share: float, guest: Worker) -> None:
        """Let another worker join the group when this share is done; the others wait, so that work is left."""
        self._step_until(lambda: self._progress() >= share, SLICE_S)
        before = set(self._positions.members())
        for worker in self._mains:
            worker.pause()
        try:
            guest.start()
            held_until = time.monotonic() + HOLD_AT_MOST_S
            self._wait(lambda: time.monotonic() > held_until or self._is_joining(before), guest)
        finally:
            for worker in self._mains:
                worker.resume()
        self._wait(lambda: self._owned_by_others(before), guest)
        self._guest = guest
        self.report.joins += 1

    def leave(self, share: float) -> None:
        """Let it leave again by SIGTERM when this share is done; the others wait, so that work is left."""
        guest = self._guest
        assert guest is not None, "nobody has joined"
        self._step_until(lambda: self._progress() >= share, SLICE_S)
        for worker in self._mains:
            worker.pause()
        try:
            assert guest.terminate(HOLD_AT_MOST_S) == 0, guest.log_tail()
        finally:
            for worker in self._mains:
                worker.resume()
        self._guest = None

    # -- how it is done

    def _kill(self, share: float, is_wanted: Callable[[Evidence], bool], slice_s: float) -> None:
        self._step_until(lambda: self._progress() >= share, SLICE_S)
        victim = self._dice.choice(self._mains)
        found: list[Evidence] = []

        def is_worth() -> bool:
            return slice_s != HUNT_SLICE_S or self._watch.is_any_mid_boundary

        def is_good() -> bool:
            if not is_worth() or not is_wanted(self._look_at(victim)):
                return False
            time.sleep(SETTLE_S)
            self._watch.catch_up()
            found.append(self._look_at(victim))
            return is_wanted(found[-1])

        def end() -> None:
            victim.kill_9()
            self._watch.catch_up()

        self._step_until(is_good, slice_s, at_the_end=end, is_worth=is_worth)
        self.report.kills.append(found[-1])
        self._restarted_at = self._watch.taken
        victim.start()

    def _look_at(self, victim: Worker) -> Evidence:
        return self._watch.evidence(self._owned(victim))

    def _owned(self, victim: Worker) -> set[int]:
        return self._positions.members().get(victim.instance or "", set())

    def _progress(self) -> float:
        return self._watch.taken / self._total

    def _step_until(
        self,
        is_so: Callable[[], bool],
        slice_s: float,
        *,
        at_the_end: Callable[[], None] = lambda: None,
        is_worth: Callable[[], bool] = lambda: True,
    ) -> None:
        """Let the workers run in slices until something is so; `at_the_end` is done while they are still paused.

        The broker is asked when it `is_worth` it, and else now and then.
        """
        deadline = time.monotonic() + STEP_WITHIN_S
        self._wait_for_movement(deadline)
        running = [*self._mains, *([self._guest] if self._guest else [])]
        moved_at = time.monotonic()
        for step in count():
            is_reached = False
            for worker in running:
                worker.check()
                worker.pause()
            try:
                if is_worth() or step % ASK_EVERY == 0:
                    self._watch.catch_up()
                    is_reached = is_so()
                if is_reached:
                    at_the_end()
            finally:
                for worker in running:
                    if worker.is_running():
                        worker.resume()
            if is_reached:
                return
            assert time.monotonic() < deadline, f"not reached at {self._progress():.0%}: {self.report}"
            if self._progress() < 1 or self._watch.is_any_mid_boundary:
                moved_at = time.monotonic()
            assert time.monotonic() < moved_at + IDLE_AT_MOST_S, f"all is done: {self.report}"
            time.sleep(slice_s)

    def _wait_for_movement(self, deadline: float) -> None:
        """Workers that start need no slices; the first one does as soon as it does anything."""
        while not (self._watch.has_begun if self._restarted_at == 0 else self._watch.taken > self._restarted_at):
            for worker in self._mains:
                worker.check()
            assert time.monotonic() < deadline, f"nothing moves at {self._progress():.0%}: {self.report}"
            time.sleep(0.01)
            self._watch.catch_up()

    def _wait(self, is_so: Callable[[], bool], guest: Worker) -> None:
        deadline = time.monotonic() + JOIN_WITHIN_S
        while not is_so():
            guest.check()
            assert time.monotonic() < deadline, f"{guest.name} does not join:\n{guest.log_tail()}"
            time.sleep(0.05)

    def _is_joining(self, before: set[str]) -> bool:
        return len(self._positions.members()) > len(before)

    def _owned_by_others(self, before: set[str]) -> bool:
        members = self._positions.members()
        return any(owned for name, owned in members.items() if name not in before)
