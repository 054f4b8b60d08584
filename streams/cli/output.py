"""Files that commands write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import click

from streams.errors import SetupError


class Output:
    """A file to write, begun with the first bytes: a run that fails before leaves an older file as it was.

    As a context it is whole at the end, and there even if empty. What cannot be written is a SetupError with its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def write(self, payload: bytes) -> None:
        """Add bytes."""
        with writing(self.path):
            self._opened().write(payload)

    def write_all(self, text: str) -> None:
        """Write all there is: a page."""
        with self:
            self.write(text.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with suppress(OSError):
                self._close()
            return
        with writing(self.path):
            self._opened()
            self._close()

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = sys.stdout.buffer if str(self.path) == "-" else self.path.open("wb")
        return self._file

    def _close(self) -> None:
        if self._file is sys.stdout.buffer:
            self._file.flush()
        elif self._file is not None:
            self._file.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong while it is written; raises SetupError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        remedy = "Check the permissions and the space on the disk; what the file has now is not whole."
        raise SetupError(str(path), f"cannot be written: {error.strerror}", remedy) from error


def refuse_overwriting(inputs: Iterable[Path | None], outputs: Iterable[Output | Path | None]) -> None:
    """Raise SetupError when a file is to be written that is read as well, or written twice."""
    taken = {path.resolve(): "is read by this command as well" for path in inputs if path is not None}
    for output in outputs:
        path = output.path if isinstance(output, Output) else output
        if path is None or not (path.is_file() or not path.exists()):  # a device or a pipe may be written twice
            continue
        place = path.resolve()
        if place in taken and str(path) != "-":
            raise SetupError(str(path), taken[place], "Give the output a name of its own.")
        taken[place] = "is to be written twice"


class _OutputPath(click.Path):
    """A file that can be written as far as one can see before the work begins."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, allow_dash=True, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """The path."""
        path = super().convert(value, param, ctx)
        folder = Path(os.fsdecode(path)).parent
        if not folder.is_dir():
            self.fail(f"{os.fsdecode(path)}: there is no folder {os.fsdecode(folder)}", param, ctx)
        if not os.access(folder, os.X_OK) or not (Path(os.fsdecode(path)).exists() or os.access(folder, os.W_OK)):
            self.fail(f"{os.fsdecode(path)}: the folder may not be written to", param, ctx)
        return path


class _OutputFile(_OutputPath):
    """The same, as something to write to."""

    def convert(  # type: ignore[override]  # it is no path any more
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Output:
        """An output that has not begun."""
        return Output(Path(os.fsdecode(super().convert(value, param, ctx))))


OUTPUT_PATH: Final = _OutputPath()
OUTPUT: Final = _OutputFile()
