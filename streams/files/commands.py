"""Commands in a file, one a line, as they are on their topic: what people said during a history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.codec import check_ahead
from schemas.command import Command, decode_command_line
from schemas.errors import RejectedError
from schemas.event import Event
from streams.errors import SetupError
from streams.files.bad_line import BadLine, told

SHOWN: Final = 5
"""Bad lines that are told one by one."""


@dataclass(slots=True)
class Spoken:
    """The commands of a file in the order in which they were said, and its bad lines."""

    file: Path | None = None
    commands: list[Command] = field(default_factory=list)
    bad: list[BadLine[RejectedError]] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What is wrong with the file, the first lines one by one."""
        return told(self.bad, SHOWN)


def among(commands: Iterable[Command], events: Iterable[Event]) -> Iterator[Event | Command]:
    """Events in order of time, and each command where it was said: before the first event that is not older."""
    left = deque(commands)
    for event in events:
        while left and left[0].at_ms <= event.time_ms:
            yield left.popleft()
        yield event
    yield from left


def read_commands(file: Path | None, now_ms: int | None = None) -> Spoken:
    """The commands of a file; those that a worker refuses at `now_ms` are bad lines. None without a file.

    Raises SetupError when it cannot be read.
    """
    found = Spoken(file)
    if file is None:
        return found
    try:
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        remedy = "Name a file with a command a line, as on the topic."
        raise SetupError("--commands", f"{file} cannot be read: {error.strerror}", remedy) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            command = decode_command_line(line.strip())
            if now_ms is not None:
                check_ahead(command.at_ms, now_ms, "at")
        except RejectedError as error:
            found.bad.append(BadLine(file, number, error))
        else:
            found.commands.append(command)
    found.commands.sort(key=lambda one: (one.at_ms, one.id))
    return found
