"""Memory that was freed goes back to the system, and nobody looks for cycles where there are none."""

from __future__ import annotations

import gc
import os
import platform

import pytest

from benchmarks.measuring import resident_bytes
from streams.memory import give_back, uncollected

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


@uncollected()
def fails_without_collector() -> None:
    assert not gc.isenabled()
    raise KeyError


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_is_left_as_it_was_found(*, is_enabled: bool) -> None:
    try:
        (gc.enable if is_enabled else gc.disable)()
        with pytest.raises(KeyError):
            fails_without_collector()
        assert gc.isenabled() == is_enabled
    finally:
        gc.enable()
