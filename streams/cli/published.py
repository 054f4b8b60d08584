"""What `uplift` and `precision` do alike: records of files or of the topics, and a word where there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from streams.files.published import read_published
from streams.text.terminal import complain

T = TypeVar("T")


def read_or_live(
    files: Sequence[Path], noun: str, decode: Callable[[bytes], T], live: Callable[[], Iterable[T]]
) -> tuple[Iterable[T], int]:
    """The records of files, or of the topics without any; and how many lines were bad, each said."""
    if not files:
        return live(), 0
    found = read_published(files, noun, decode)
    for sentence in found.sentences():
        complain(sentence)
    return found.records, len(found.bad)


def say_none(files: Sequence[Path], noun: str, *, of_replay: str, of_workers: str) -> None:
    """Say that there is nothing to judge, and where it comes from: from a replay, or from workers."""
    if files:
        where = ", ".join(map(str, files))
        complain(f"{where} {'has' if len(files) == 1 else 'have'} no {noun}: {of_replay}")
    else:
        complain(f"no {noun} is on the topics: {of_workers}")
