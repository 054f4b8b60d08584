"""The broker's classes as Java keeps them in memory, in a file: each start then saves half of its work.

Java writes the file at the end of a run that is told to, and leaves it aside when the jars or the Java are others:
then the broker starts as if there were none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from kafka.java import find_java


def archive_of(libs: Path) -> Path:
    """Where the classes of these jars, in this place, and of this Java are kept, whether there or not."""
    about = f"{libs.resolve()}\n{find_java().resolve()}"
    return libs.with_name(f"classes-{hashlib.sha256(about.encode()).hexdigest()[:16]}.jsa")


def reading(libs: Path) -> tuple[str, ...]:
    """The flags for a start that may use the classes kept."""
    archive = archive_of(libs)
    return (f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()


def writing(file: Path) -> tuple[str, ...]:
    """The flags for a run that keeps its classes when it ends."""
    return (f"-XX:ArchiveClassesAtExit={file}",)


def keep(file: Path, libs: Path) -> bool:
    """Put what such a run wrote in its place; whether it wrote anything (the Java of the wheel does not)."""
    if not file.exists():
        return False
    file.replace(archive_of(libs))
    return True
