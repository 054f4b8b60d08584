"""Texts as a mapping file has them."""

from __future__ import annotations

import re


def template(name: str, prefix: str = "", suffix: str = "") -> str:
    """A text that is a column with something around; the column alone where its name has braces."""
    if "{" in name or "}" in name:
        return f"{{column: {quoted(name)}}}"
    return quoted(f"{prefix}{'-' if prefix else ''}{{{name}}}{suffix}", always=True)


def quoted(text: str, *, always: bool = False) -> str:
    """A text as YAML has it, in quotes where it could be taken for something else."""
    if not always and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]", text):
        return text
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'
