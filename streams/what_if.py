"""A replay by another catalogue beside the one by the catalogue in force: two engines at once, each in its own process.

The events are read once. The other process gets them as they are kept, packed, by a file (a pipe that nobody reads any
more would hold this one up for ever), and gives back its alerts alone.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from models.catalogue.rules import Rules
from models.engine.replay import Replay, Then
from models.engine.review import Message
from models.what_if.comparison import Run
from models.what_if.decided import RunRecorder
from schemas.command import Command
from schemas.event import Event
from streams.errors import SetupError
from streams.files.commands import among
from streams.files.packed_history import PackedHistory, Replayed
from streams.processes import count_on, new_counter, processes
from streams.replaying import DRAIN_EVERY, engine_of, go_through
from streams.text.terminal import terminal

_LOOK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a catalogue is replayed, besides the events."""

    rules: Rules
    partitions: int
    alerts_from_ms: int
    until_ms: int | None
    models: Path | None
    learn: bool
    together: int = 1
    """For how many partitions a single one stands."""
    commands: tuple[Command, ...] = ()
    """What people said meanwhile."""
    then: tuple[Then, ...] = ()
    """Other rules in the course of it."""

    def engine(self) -> Replay:
        """An engine for it."""
        return engine_of(
            self.rules,
            self.partitions,
            self.alerts_from_ms,
            models=self.models,
            learn=self.learn,
            together=self.together,
            then=self.then,
        )

    def taken(self, events: Iterable[Event]) -> Iterator[Event | Command]:
        """Events in order of time, and each command where it was said."""
        return among(self.commands, events)


def last_day(engine: Replay) -> int:
    """The last midnight as of which everybody was judged, -1 before the first."""
    return max(partition.judged_boundary for partition in engine.partitions)


def beside(other: How, name: str, events: Replayed, run: Callable[[Iterable[Event]], None]) -> Run:
    """Let `run` take the events while the other catalogue is replayed, and give what that one decided.

    Raises SetupError when the other process was ended from outside.
    """
    counter = new_counter()
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with (
        TemporaryDirectory(prefix="churn-signals-") as folder,
        processes(1, counter) as pool,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        tasks = [progress.add_task(text, total=len(events)) for text in ("replaying", f"replaying by {name}")]
        asked = pool.submit(_decided, other, _put_down(events, Path(folder) / "events"))
        run(_watched(events, progress, tasks, counter))
        return _waited(asked, lambda: progress.update(tasks[1], completed=counter.value), name)


def _watched(events: Replayed, progress: Progress, tasks: list[TaskID], counter: Synchronized[int]) -> Iterator[Event]:
    """The events; both bars move as they go."""
    number = 0
    for number, event in enumerate(events, start=1):
        if number % DRAIN_EVERY == 0:
            progress.update(tasks[0], completed=number)
            progress.update(tasks[1], completed=counter.value)
        yield event
    progress.update(tasks[0], completed=number)


def _waited(asked: Future[Run], look: Callable[[], None], name: str) -> Run:
    while wait([asked], _LOOK_EVERY_S).not_done:
        look()
    try:
        return asked.result()
    except BrokenProcessPool as error:
        remedy = "Was there memory for two replays at once? Replay each catalogue alone, or a part of the history."
        raise SetupError(f"--against {name}", "the process that replayed it was ended from outside", remedy) from error


def _put_down(events: Replayed, path: Path) -> Path:
    """Write the events, without what became of the lines they were made from: that is told once, here."""
    history = events.history
    try:
        with path.open("wb") as file:
            pickle.dump(events.of(PackedHistory((), [], [], runs=history.runs, heard=history.heard)), file)
    except OSError as error:
        remedy = "Let TMPDIR name a folder with room for the events, about 40 bytes each."
        raise SetupError(str(path.parent), f"cannot be written to: {error.strerror}", remedy) from error
    return path


def _decided(how: How, path: Path) -> Run:
    """In the other process: all that a catalogue decides."""
    with path.open("rb") as file:
        events: Replayed = pickle.load(file)  # noqa: S301 - written above, in a folder that is ours alone
    engine = how.engine()
    decided = RunRecorder(how.rules, len(engine.partitions))

    def gather(messages: Iterable[Message]) -> None:
        for message in messages:
            decided.take(message)

    go_through(engine, how.taken(_counted(events)), how.until_ms, gather)
    return decided.until(last_day(engine))


def _counted(events: Iterable[Event]) -> Iterator[Event]:
    """The events; how many there were is known to the process that waits."""
    for number, event in enumerate(events, start=1):
        if number % DRAIN_EVERY == 0:
            count_on(number)
        yield event
