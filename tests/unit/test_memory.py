"""Memory that was freed goes back to the system."""

from __future__ import annotations

import os
import platform

import pytest

from benchmarks.measuring import resident_bytes
from streams.memory import give_back

MEGABYTE = 1 << 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed below something in use")
def test_what_was_freed_below_something_in_use_is_given_back() -> None:
    fetched = [bytes([place % 256]) * 10_000 for place in range(10_000)]
    kept = fetched[-1]
    del fetched
    before = resident_bytes(os.getpid())
    give_back()
    assert before - resident_bytes(os.getpid()) > 50 * MEGABYTE
    assert kept == bytes([9_999 % 256]) * 10_000
