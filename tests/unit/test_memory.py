"""Memory that was freed goes back to the system, and nobody looks for cycles where there are none."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys

import pytest

from benchmarks.measuring import resident_bytes
from streams.memory import give_back, uncollected
from support.program import ROOT

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


LARGE_BLOCKS = """
import os, sys
from benchmarks.measuring import resident_bytes
from streams.memory import keep_large_blocks_apart
if sys.argv[1] == "apart":
    keep_large_blocks_apart()
bytes(16 << 20)  # from here on glibc takes smaller ones from the heap
kept, freed = [], []
for _ in range(60):
    freed.append(b"1" * (1 << 20))
    kept.append(b"2" * 1_000)
    kept.append(b"2" * 100_000)
before = resident_bytes(os.getpid())
freed.clear()
print(before - resident_bytes(os.getpid()))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of another C library nothing is asked")
def test_large_blocks_go_back_when_they_are_freed() -> None:
    def given_back(how: str) -> int:
        paths = os.pathsep.join(["tests", "."])
        told = subprocess.run(
            [sys.executable, "-c", LARGE_BLOCKS, how],
            check=True, capture_output=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths},
        )  # fmt: skip
        return int(told.stdout)

    assert given_back("apart") > 50 * MEGABYTE > given_back("as they come")


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
