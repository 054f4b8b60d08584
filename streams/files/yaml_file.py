"""The one reader of YAML that users write: strict, and it knows the line of everything.

Read are mappings, lists, texts, numbers as JSON writes them, true, false and null; keys are texts as they are written.
A plain `no`, `12:30`, `010`, `1_000`, `0,92` or `2026-01-05` is that text and never something else: where a number or a
flag is due, whoever asks for it refuses it. What readers of YAML disagree about, or what hides a mistake, is refused
here: keys that stand twice, keys without a value, merge keys, tags, directives, several documents; anchors and aliases
where a file needs none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from streams.errors import SetupError

MAX_BYTES: Final = 1_000_000
"""No catalogue or mapping is larger; reading so much takes seconds."""
MAX_DEPTH: Final = 20
"""Mappings and lists within each other; beyond, the reader itself would fail."""

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*|(?=\.))(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")
_LONGEST_NUMBER: Final = 40
_WORDS: Final[Mapping[str, bool | None]] = {
    form: value
    for word, value in (("true", True), ("false", False), ("null", None), ("~", None))
    for form in (word, word.capitalize(), word.upper())
}
_CODES: Final = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class YamlError(Exception):
    """A text that cannot be read as one clear document: the line, and the reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason

    def __reduce__(self) -> tuple[type[YamlError], tuple[int, str]]:
        return type(self), (self.line, self.reason)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: the value, and where each part of it stands."""

    value: Any
    _lines: Mapping[tuple[str | int, ...], int]

    def __contains__(self, path: tuple[str | int, ...]) -> bool:
        return path in self._lines

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest part of a path of keys and places in lists that the file has; 1 when it has none."""
        for end in range(len(path), 0, -1):
            line = self._lines.get(tuple(path[:end]))
            if line is not None:
                return line
        return 1


def read_text(path: Path, thing: str) -> str:
    """Read a file. Raises SetupError about `thing` when it cannot be had, YamlError when it is not UTF-8."""
    try:
        about = path.stat()
        if not S_ISREG(about.st_mode):
            kind = "a folder" if S_ISDIR(about.st_mode) else "a pipe or a device"
            raise SetupError(thing, f"{path} is {kind}, not a file", "Name a file; what comes from a pipe, save first.")
        if about.st_size > MAX_BYTES:
            value = f"{path} has {about.st_size:,} bytes; {MAX_BYTES:,} are allowed"
            raise SetupError(thing, value, "Is it the right file?")
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        remedy = "Name a file that exists and that the user the program runs as can read."
        raise SetupError(thing, f"{path} cannot be read: {reason}", remedy) from error
    return decoded(content)


def decoded(content: bytes) -> str:
    """Bytes as text. Raises YamlError when they are not UTF-8, whatever the locale is."""
    for mark, name in _CODES.items():
        if content.startswith(mark):
            raise YamlError(1, f"the file is {name}, not UTF-8: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "save the file as UTF-8 (Windows: iconv -f WINDOWS-1252 -t UTF-8 FILE)"
        raise YamlError(line, f"the byte 0x{content[error.start]:02x} is not UTF-8: {remedy}") from error


def read_document(text: str, *, as_written: frozenset[str] = frozenset(), may_alias: bool = False) -> Document:
    """Read one document. Raises YamlError.

    What stands below a key of `as_written` is text, however it looks. With `may_alias` an alias stands for the value
    that an anchor before it named; the value is shared, not copied.
    """
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise YamlError(line, f"the control character {odd[0]!a} may not stand here")
    reader = _Reader(yaml.parse(text, Loader=yaml.SafeLoader), as_written, may_alias)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(1 if mark is None else mark.line + 1, _explained(error)) from error
    except yaml.YAMLError as error:
        raise YamlError(1, f"not YAML: {error}") from error


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not understood"
    if "'\\t'" in problem:
        return "a tab stands where the line begins: YAML wants spaces"
    if "mapping values are not allowed" in problem:
        return "not YAML: a second `: ` in the line, or a wrong indent; put a text with `: ` in it in quotes"
    if error.context is None:
        return f"not YAML: {problem}"
    begun = "" if error.context_mark is None else f" begun in line {error.context_mark.line + 1}"
    return f"not YAML: {error.context}{begun}, {problem}"


@dataclass(slots=True)
class _Reader:
    """Builds values from the parser's events; nothing is ever expanded, so no short text makes a large value."""

    events: Iterator[Event]
    as_written: frozenset[str]
    may_alias: bool
    anchors: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def document(self) -> Document:
        """Read the whole stream."""
        next(self.events)  # the stream begins
        begin = next(self.events)
        if isinstance(begin, StreamEndEvent):
            raise YamlError(1, "the file is empty")
        assert isinstance(begin, DocumentStartEvent)
        if begin.version is not None or begin.tags:
            raise YamlError(_line(begin), "directives (%YAML, %TAG) are not read: leave the line out")
        value = self.value(next(self.events), ())
        next(self.events)  # the document ends
        more = next(self.events)
        if not isinstance(more, StreamEndEvent):
            raise YamlError(_line(more), "a second document begins here (---): one file holds one")
        return Document(value, self.lines)

    def value(self, event: Event, path: tuple[str | int, ...]) -> Any:
        """The value that begins with an event."""
        self.lines.setdefault(path, _line(event))
        if self.may_alias and isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise YamlError(_line(event), f"*{event.anchor}: no &{event.anchor} ends before it")
            return self.anchors[event.anchor]
        _refuse_special(event, may_anchor=self.may_alias)
        if len(path) > MAX_DEPTH:
            raise YamlError(_line(event), f"more than {MAX_DEPTH} mappings and lists within each other")
        found = self.content(event, path)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = found
        return found

    def content(self, event: Event, path: tuple[str | int, ...]) -> Any:
        """A mapping, a list or a scalar up to its end."""
        if isinstance(event, MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(path)
        assert isinstance(event, ScalarEvent)
        return _scalar(event, path, is_text=not self.as_written.isdisjoint(path))

    def mapping(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        """A mapping up to its end."""
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key, line = _key(event), _line(event)
            if key in found:
                first = self.lines[*path, key]
                raise YamlError(line, f"{key} stands here a second time, first in line {first}: write it once")
            self.lines[*path, key] = line
            found[key] = self.value(next(self.events), (*path, key))
        return found

    def sequence(self, path: tuple[str | int, ...]) -> list[Any]:
        """A list up to its end."""
        found: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            found.append(self.value(event, (*path, len(found))))
        return found


def _line(event: Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _refuse_special(event: Event, *, may_anchor: bool = False) -> None:
    if isinstance(event, AliasEvent) or (not may_anchor and isinstance(event, NodeEvent) and event.anchor is not None):
        sign = "*" if isinstance(event, AliasEvent) else "&"
        reason = f"{sign}{event.anchor}: anchors and aliases are not read: write the value out, in quotes if it is text"
        raise YamlError(_line(event), reason)
    tag = getattr(event, "tag", None)
    if tag is not None:
        raise YamlError(_line(event), f"{tag}: tags are not read: leave it out, in quotes if it is text")


def _key(event: Event) -> str:
    _refuse_special(event)
    if not isinstance(event, ScalarEvent):
        raise YamlError(_line(event), "a list or a mapping cannot be a key")
    if event.value == "<<" and event.style is None:
        raise YamlError(_line(event), "<<: merge keys are not read: write the keys out")
    if not event.value:
        raise YamlError(_line(event), "a key is missing before the colon")
    _refuse_surrogates(event)
    return str(event.value)


def _scalar(event: ScalarEvent, path: tuple[str | int, ...], *, is_text: bool) -> str | int | float | bool | None:
    text = str(event.value)
    _refuse_surrogates(event)
    if event.style is not None:
        return text
    if not text:
        raise YamlError(_line(event), _without_value(path))
    if is_text:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER or not (match := _NUMBER.fullmatch(text)):
        return text
    if match[2] is None and match[3] is None:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else text


def _without_value(path: tuple[str | int, ...]) -> str:
    if not path:
        return "the file is empty"
    name = path[-1]
    if isinstance(name, int):
        return "an entry of the list is empty: write it, or leave the dash out"
    hint = " (if it is the part of a number after its comma: numbers have a point, as 0.92)" if name.isdigit() else ""
    return f"{name} has no value: write one, or leave the key out{hint}"


def _refuse_surrogates(event: ScalarEvent) -> None:
    """Half of a pair of escapes is no character, and no output could be written with it."""
    try:
        event.value.encode()
    except UnicodeEncodeError as error:
        raise YamlError(_line(event), "\\ud800 to \\udfff are no characters: use \\U with eight digits") from error
