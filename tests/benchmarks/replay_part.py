"""`churn-signals replay` over a year of simulated customers, as a user calls it: CPU and memory of the process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import msgspec

from benchmarks.measuring import resident_bytes
from benchmarks.results import ReplayPart, ReplayRun, conditions
from benchmarks.work import Bench
from support.program import ROOT, command, environment, run

SEED: Final = 7
LOOK_EVERY_S: Final = 0.02


class _Summary(msgspec.Struct):
    customers: int
    revisions: int


def run_replays(bench: Bench) -> bool:
    """Simulate once, replay once a round."""
    sizes, given = bench.sizes, conditions()
    path = bench.folder / "year.jsonl"
    with bench.step(f"simulating {sizes.replay_customers:,} customers over {sizes.replay_days} days"):
        of = {"customers": sizes.replay_customers, "days": sizes.replay_days, "seed": SEED}
        options = [text for name, value in of.items() for text in (f"--{name}", str(value))]
        made = run("simulate", *options, "--out", str(path))
        assert made.code == 0, made.err
    with path.open("rb") as file:
        events = sum(1 for _ in file)
    part = ReplayPart(given, sizes.replay_customers, sizes.replay_days, events, [])
    for number in range(sizes.rounds):
        with bench.step(f"replay of {events:,} events, {number + 1} of {sizes.rounds}"):
            one = _replay(bench, path)
        part.runs.append(one)
        bench.tell(f"replay: {one.cpu_s:.1f} s CPU, {one.peak_bytes / 1e6:,.0f} MB, {one.revisions:,} revisions")
    path.unlink()
    bench.results.replay = part
    bench.save()
    return True


def _replay(bench: Bench, path: Path) -> ReplayRun:
    """One run of the command; memory is looked at until it ends, CPU is what the system accounts for it."""
    settings = {"partitions": str(bench.sizes.partitions), "catalogue": bench.catalogue("rules")}
    arguments = command("replay", str(path), "--alerts", str(bench.folder / "year-alerts.jsonl"), "--json")
    out = bench.folder / "year.json"
    begun, peak = monotonic(), 0
    with out.open("wb") as file:
        process = subprocess.Popen(arguments, cwd=ROOT, env=environment(settings), stdout=file)
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, _peak(process.pid))
        sleep(LOOK_EVERY_S)
    seconds = monotonic() - begun
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"replay left with {process.returncode}"
    told = msgspec.json.decode(out.read_bytes(), type=_Summary)
    return ReplayRun(seconds, usage.ru_utime + usage.ru_stime, peak, told.customers, told.revisions)


def _peak(pid: int) -> int:
    """The most the process ever had; 0 once it has let go of its memory."""
    try:
        return resident_bytes(pid, "VmHWM")
    except (AssertionError, FileNotFoundError):
        return 0
