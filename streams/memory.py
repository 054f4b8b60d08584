"""What the interpreter and the C library do with memory by themselves, and when they had better not."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""The number of M_MMAP_THRESHOLD in malloc.h."""

_LARGE_BYTES: Final = 256 << 10


_COLLECT_AFTER: Final = (50_000, 20, 100)


def collect_seldom() -> None:
    """Look for cycles every 50,000 new objects.

    Between frames thousands of messages are alive that hold none: to look every 700 objects, as Python does, costs a
    twentieth of a replay. While a frame is taken nobody looks.
    """
    gc.set_threshold(*_COLLECT_AFTER)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile.

    A frame unpacks thousands of records, of some 25 objects each that hold no cycles, and drops them when it ends: to
    look through them all again and again costs more the more customers a frame holds.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def keep_large_blocks_apart() -> None:
    """Let the C library take blocks from the system that go back to it when they are freed (not glibc: nothing).

    By itself glibc raises the bound to 32 MB at the first block that is freed; what was taken below it while a snapshot
    was read is never given back: measured with 250,000 customers in a partition, 200 bytes a customer.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return what the C library keeps of freed memory to the system; nothing where it has no such call (not glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
