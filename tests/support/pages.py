"""The pages of a running worker: /metrics, /livez, /readyz."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from support.waiting import wait_until
from support.workers import Worker

STARTS_WITHIN_S: Final = 30.0
ANSWERS_WITHIN_S: Final = 5.0
REVIEWED_WITHIN_S: Final = 30.0

_ADDRESS = re.compile(r"metrics and health at http://([0-9.]+):(\d+)")


def address_of(worker: Worker) -> tuple[str, int]:
    """Where the pages of the process started last are; waits until it says so."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while (found := _ADDRESS.search(worker.log())) is None:
        worker.check()
        assert time.monotonic() < deadline, f"{worker.name} does not say where its pages are:\n{worker.log_tail()}"
        time.sleep(0.02)
    return found[1], int(found[2])


def get(address: tuple[str, int], path: str, token: str | None = None) -> tuple[int, str]:
    """Status and body of a page."""
    connection = HTTPConnection(*address, timeout=ANSWERS_WITHIN_S)
    try:
        connection.request("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every series of a metrics page with its value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(address: tuple[str, int], name: str, token: str | None = None, without: str | None = None) -> float:
    """The sum of a metric over its labels, right now; `without`: some text in the labels that are left out."""
    status, text = get(address, "/metrics", token)
    assert status == 200
    lines = lines_of(text, name).splitlines(keepends=True)
    return sum(samples("".join(line for line in lines if without is None or without not in line)).values())


def wait_for_boundary(worker: Worker, address: tuple[str, int], boundary_ms: int) -> None:
    """Wait until a worker says that all its partitions have judged everybody as of a boundary."""

    def is_passed() -> bool:
        return total(address, "churn_boundary_timestamp_seconds") * 1000 >= boundary_ms

    wait_until(is_passed, REVIEWED_WITHIN_S, running=[worker], every_s=0.1)


def lines_of(page: str, *names: str) -> str:
    """Of a metrics page the series of some names: to parse all of it again and again would take half a core."""
    return "".join(f"{line}\n" for line in page.splitlines() if line.partition(" ")[0].partition("{")[0] in names)


def wait_until_ready(worker: Worker) -> tuple[str, int]:
    """Wait until a worker owns and has restored its partitions; returns where its pages are."""
    address = address_of(worker)
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        worker.check()
        with suppress(OSError, HTTPException):  # it may be leaving: what it logged says more
            if get(address, "/readyz")[0] == 200:
                return address
        assert time.monotonic() < deadline, f"{worker.name} does not become ready:\n{worker.log_tail()}"
        time.sleep(0.05)


def told_at_the_end(worker: Worker, name: str, within_s: float = STARTS_WITHIN_S) -> tuple[int, float]:
    """Read the metrics until a worker is gone; returns its exit code and the last value of a metric it told."""
    address, last = address_of(worker), 0.0
    deadline = time.monotonic() + within_s
    while (code := worker.process.poll()) is None:
        assert time.monotonic() < deadline, f"{worker.name} does not leave:\n{worker.log_tail()}"
        with suppress(OSError, HTTPException):
            last = total(address, name)
        time.sleep(0.05)
    return code, last
