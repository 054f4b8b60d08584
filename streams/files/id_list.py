"""A list of event ids in a file, one a line."""

from __future__ import annotations

from pathlib import Path

from streams.errors import SetupError


def read_ids(file: Path) -> set[str]:
    """The ids of a file: each line as it stands, spaces included; empty lines are none. Raises SetupError."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SetupError("list of ids", f"{file} cannot be read: {error}", "Name a text file, an id a line.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SetupError("list of ids", f"{file} is not UTF-8 at line {line}", "Save it as UTF-8.") from error
    return {line.removesuffix("\r") for line in text.split("\n")} - {""}
