"""What the interpreter and the C library do with memory by themselves, and when they had better not."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager


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


def give_back() -> None:
    """Return what the C library keeps of freed memory to the system; nothing where it has no such call (not glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
