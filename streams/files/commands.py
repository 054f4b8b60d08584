"""Commands in a file, one a line, as they are on their topic: what people said during a history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from schemas.codec import check_ahead
from schemas.command import Command, decode_command_line
from schemas.errors import RejectedError
from schemas.event import Event
from streams.files.bad_line import FEW, BadLine, told
from streams.files.opening import filled_lines, opened_bytes


@dataclass(slots=True)
class Spoken:
    """The commands of a file in the order in which they were said, and its bad lines."""

    file: Path | None = None
    commands: list[Command] = field(default_factory=list)
    bad: list[BadLine[RejectedError]] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What is wrong with the file, the first lines one by one."""
        return told(self.bad, FEW)


def among(commands: Iterable[Command], events: Iterable[Event]) -> Iterator[Event | Command]:
    """Events in order of time, and each command where it was said: before the first event that is not older."""
    left = deque(commands)
    for event in events:
        while left and left[0].at_ms <= event.time_ms:
            yield left.popleft()
        yield event
    yield from left


def read_commands(file: Path | None, now_ms: int | None = None) -> Spoken:
    """The commands of a file, packed with gzip or not; those that a worker refuses at `now_ms` are bad lines.

    None without a file. Raises SetupError when it cannot be read.
    """
    found = Spoken(file)
    if file is None:
        return found
    with opened_bytes(file, "file of commands") as lines:
        for number, line in filled_lines(lines):
            try:
                command = decode_command_line(line)
                if now_ms is not None:
                    check_ahead(command.at_ms, now_ms, "at")
            except RejectedError as error:
                found.bad.append(BadLine(file, number, error))
            else:
                found.commands.append(command)
    found.commands.sort(key=lambda one: (one.at_ms, one.id))
    return found
