"""Names, templates and signs as a mapping file has them: the writing side of `mapping guess`."""

from __future__ import annotations

import re
from typing import Final

import yaml

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]")


def template(name: str, prefix: str = "", suffix: str = "") -> str:
    """A text that is a column with something around; the column alone where its name has braces."""
    if "{" in name or "}" in name:
        return f"{{column: {quoted(name)}}}"
    return quoted(f"{prefix}{'-' if prefix else ''}{{{name}}}{suffix}")


def quoted(text: str, *, always: bool = False) -> str:
    """A text as YAML has it, in quotes where it could be taken for something else, or `always`."""
    if not always and _PLAIN.fullmatch(text):
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).rstrip("\n")


def sign_of(separator: str) -> str:
    """A separator as a mapping has it."""
    return "tab" if separator == "\t" else f'"{separator}"'
