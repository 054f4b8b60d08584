"""Files opened as lines of bytes or text: gzip by its first bytes, encodings, byte order marks, line ends."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.errors import SetupError

_READ_BYTES: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"
_OTHERS: Final = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet (.xlsx)",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"PAR1": "Parquet",
    b"BZh": "packed with bzip2",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\xfd7zXZ": "packed with xz",
}
"""Kinds of files that people give instead of text, by their first bytes."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins as that of UTF-16, so it stands before."""

UNDECODABLE: Final = re.compile("[\udc80-\udcff]")
"""What stands in a decoded line for a byte that is not of the encoding."""


def filled_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""The lines that hold anything, each with its number: without the space around them and a byte order mark.

    >>> list(filled_lines([b"\xef\xbb\xbf{}\n", b" \n", b"[]"]))
    [(1, b'{}'), (3, b'[]')]
    """
    for number, line in enumerate(lines, start=1):
        filled = line.removeprefix(codecs.BOM_UTF8).strip() if number == 1 else line.strip()
        if filled:
            yield number, filled


@contextmanager
def opened_bytes(file: Path, thing: str = "event file") -> Iterator[BufferedReader]:
    """The file's content, unpacked. Raises SetupError for what cannot be read, also while it is read.

    `thing`: what the file is to be, as errors call it.
    """
    try:
        raw: Any = io.FileIO(file)  # typed as of the sorts that a reader may have
        with BufferedReader(raw, _READ_BYTES) as plain:
            first = plain.peek(8)[:8]
            for begin, kind in _OTHERS.items():
                if first.startswith(begin):
                    remedy = "Unpack it, or save it as CSV (UTF-8), and give that."
                    raise SetupError(thing, f"{file} is {kind}", remedy)
            if first.startswith(_GZIP):
                unpacked: Any = gzip.GzipFile(fileobj=plain, mode="rb")  # it has all that is asked of a raw file
                yield BufferedReader(unpacked, _READ_BYTES)  # whose lines are cut by quicker code
            else:
                yield plain
    except (OSError, EOFError, zlib.error) as error:
        remedy = "Give a file that is whole; nothing of it was taken."
        raise SetupError(thing, f"{file} cannot be read: {error}", remedy) from error


class Text(NamedTuple):
    """A file as lines of text that keep their line ends."""

    lines: TextIOWrapper
    encoding: str
    mark: bytes = b""
    """The byte order mark that was left away, where a file of this encoding needs it to be read."""

    def to_bytes(self, lines: list[str]) -> bytes:
        """Lines as they were in the file."""
        return "".join(lines).encode(self.encoding, "surrogateescape")


@contextmanager
def opened_text(file: Path, encoding: str | None) -> Iterator[Text]:
    """The file's content as text; without `encoding` by its byte order mark, else UTF-8. Raises SetupError.

    A byte that is not of the encoding becomes a lone surrogate (`UNDECODABLE`), so that only its line is bad. Lines end
    with LF or CR LF, or with CR in a file that has no LF at its beginning.
    """
    with opened_bytes(file) as content:
        begin = content.peek(_READ_BYTES)
        marked = next(((mark, name) for mark, name in _MARKS if begin.startswith(mark)), None)
        if marked is not None:
            mark, name = marked
            if encoding is not None and _plain(encoding) not in {
                _plain(name),
                _plain(name).removesuffix("-le"),
                "utf-16",
            }:
                value = f"{file} begins with the byte order mark of {name}, the mapping says {encoding}"
                raise SetupError("encoding", value, "Leave `encoding` out of the mapping.")
            content.read(len(mark))
            begin = content.peek(_READ_BYTES)
            encoding = name
        needed = marked[0] if marked is not None and marked[1] != "utf-8" else b""
        encoding = encoding or "utf-8"
        start = begin.decode(encoding, "ignore")
        newline = "\r" if "\n" not in start and "\r" in start else "\n"
        lines = io.TextIOWrapper(content, encoding=encoding, errors="surrogateescape", newline=newline)
        try:
            yield Text(lines, encoding, needed)
        except UnicodeError as error:
            value = f"{file} is not {encoding}: {error}"
            raise SetupError("encoding", value, "Say `encoding:` in the mapping.") from error
        finally:
            lines.detach()


def _plain(encoding: str) -> str:
    return codecs.lookup(encoding).name.removesuffix("-sig")
