"""What commands that read event files share: files with their mappings, options, and the catalogue they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from streams.cli.instant import INSTANT
from streams.cli.output import OUTPUT, Output
from streams.errors import SetupError
from streams.files.history import Rejects
from streams.files.mapping_file import load_mapping
from streams.files.reading import JSON_LINES, EventFile
from streams.settings import Settings, environment_settings

T = TypeVar("T", bound=Callable[..., Any])


class _EventFileType(click.ParamType):
    """FILE, or FILE:MAPPING; a file whose own name has a colon is taken as it is."""

    name = "file[:mapping]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> EventFile:
        """The file and its own mapping. Raises SetupError for a mapping that cannot be used."""
        if isinstance(value, EventFile):
            return value
        if _is_readable(Path(value)):
            return EventFile(Path(value))
        name, colon, mapping_name = str(value).rpartition(":")
        if not colon or not _is_readable(Path(name)):
            self.fail(f"no file {value!r}" if not colon else f"neither {value!r} nor {name!r} is a file", param, ctx)
        mapping = load_mapping(mapping_name)
        if mapping.format is None and name.lower().removesuffix(".gz").endswith(JSON_LINES):
            remedy = "Say `format: json` in the mapping, or `format: csv` if the file is a table."
            raise SetupError("mapping", f"{mapping_name} is for tables, {name} looks like JSON", remedy)
        return EventFile(Path(name), mapping, Path(mapping_name))


def _is_readable(path: Path) -> bool:
    return path.exists() and not path.is_dir()


OLD_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is read."""
EVENT_FILE: Final = _EventFileType()

MAPPING_HELP: Final = (
    "How tables and other JSON become events: a YAML file, or a built-in name (`mapping show`). For files that have "
    "none of their own (FILE:MAPPING)."
)


def files_argument(command: T) -> T:
    """The event files of a command, and the mapping of those that have none of their own."""
    command = click.option("--mapping", "mapping_name", help=MAPPING_HELP)(command)
    return click.argument("files", nargs=-1, required=True, type=EVENT_FILE, metavar="FILE[:MAPPING]...")(command)


def files_or_live(command: T) -> T:
    """The same, or the events that lie on the input topics."""
    command = click.option("--live", is_flag=True, help="Read the input topics instead of files.")(command)
    command = click.option("--mapping", "mapping_name", help=MAPPING_HELP)(command)
    return click.argument("files", nargs=-1, type=EVENT_FILE, metavar="[FILE[:MAPPING]]...")(command)


def left_out_options(command: T) -> T:
    """Which events do not count: what a worker would refuse at a time, and those of a list."""
    told = "Refuse what a worker refuses at this time: later events."
    command = click.option("--exclude", type=OLD_FILE, help="Event ids to leave out, one a line.")(command)
    return click.option("--now", "now_ms", type=INSTANT, metavar="T", help=told)(command)


def settings_with(catalogue: Path | None) -> Settings:
    """The settings of the environment, with another catalogue where one is named. Raises SetupError."""
    settings = environment_settings()
    return settings if catalogue is None else settings.replace(catalogue=catalogue)


def rejects_option(command: T) -> T:
    """Where bad lines go."""
    return click.option("--rejects", type=OUTPUT, help="Write the bad lines here as they were, to mend them.")(command)


def paths_read(files: Iterable[EventFile], mapping_name: str | None) -> list[Path]:
    """Every file that is read for these: none of them may be written to."""
    named = [Path(mapping_name)] if mapping_name else []
    return [*named, *(path for file in files for path in (file.path, file.mapping_file) if path is not None)]


@contextmanager
def rejecting(output: Output | None) -> Iterator[Rejects | None]:
    """What writes bad lines to an output, which is whole afterwards; none without one."""
    if output is None:
        yield None
        return
    with output:
        yield Rejects(output)
