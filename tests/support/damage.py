"""Exports of any size, and random damage to them."""

from __future__ import annotations

import random

from support.exports import HEAD, lines, table
from support.exports_systems import SKU_A, SKU_B, order, ticket

NOISE = [
    '"',
    '""',
    ",",
    ";",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "\x00",
    "\ufeff",
    "-",
    "1e9",
    "{",
    "}",
    "[",
    "\\",
    "\\u0000",
    "\ud800",
    "é",
    "٣",
    " ",
    "0",
    "",
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content with bytes put in, left out, doubled and moved: one line in ten is touched, never the first."""
    head, *rest = content.splitlines(keepends=True)
    pieces = [head]
    for line in rest:
        if chance.random() > 0.1:
            pieces.append(line)
            continue
        at, kind = chance.randrange(len(line) + 1), chance.randrange(6)
        noise = chance.choice(NOISE).encode("utf-8", "surrogatepass")
        if kind == 0:
            pieces.append(line[:at] + noise + line[at:])
        elif kind == 1:
            pieces.append(line[:at] + line[at + 1 :])
        elif kind == 2:
            pieces.append(line[:at] + bytes([chance.randrange(256)]) + line[at + 1 :])
        elif kind == 3:
            pieces.append(line[:at])
        elif kind == 4:
            pieces.append(line * 2)
        else:
            pieces.append(line[at:] + line[:at])
    return b"".join(pieces)


def orders(count: int) -> bytes:
    notes = ('"ring\ntwice"', "plain", '"with ""quotes"""', "", "Café")
    rows = (
        f"{place},c{place % 997},2025-01-{place % 28 + 1:02d} 10:00,{place % 90}.50,{place % 3 + 1},{notes[place % 5]}"
        for place in range(count)
    )
    return table(f"{HEAD},note", *rows)


def tickets(count: int) -> bytes:
    return lines(*(ticket(place, "open", "refund", customer=f"c{place % 997}") for place in range(count)))


def nested(count: int) -> bytes:
    return lines(*(order(place, SKU_A, SKU_B) for place in range(count)))
