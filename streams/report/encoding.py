"""Reports as JSON for programs."""

from __future__ import annotations

import msgspec


def indented(report: object) -> bytes:
    """Indented JSON, always the same bytes for the same report; no line end."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)
