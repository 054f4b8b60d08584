"""A real Prometheus on the committed configuration, for as long as a block runs."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import yaml

from kafka.cluster import free_port
from support.prometheus import DEPLOY, program

READY_WITHIN_S: Final = 20.0
TOKEN: Final = "a secret for some minutes"
LOOKBACK_S: Final = 300.0
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Sample = tuple[dict[str, str], list[float]]
"""Labels, and the values in the order of time."""


def shorter(text: str, factor: int) -> str:
    """Every duration in a text divided by a factor.

    >>> shorter("rate(x[5m] offset 1h)", 30)
    'rate(x[10000ms] offset 120000ms)'
    """
    return re.sub(r"\b(\d+)([smhdw])\b", lambda m: f"{int(m[1]) * _UNITS[m[2]] * 1000 // factor}ms", text)


def _shortened(value: Any, factor: int) -> Any:
    """Configuration or rules with every duration shortened; what alerts say stays as it is."""
    if isinstance(value, dict):
        return {key: part if key == "annotations" else _shortened(part, factor) for key, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part, factor) for part in value]
    return shorter(value, factor) if isinstance(value, str) else value


Address = tuple[str, int]


def configure(folder: Path, targets: Mapping[str, Address | list[Address]], factor: int) -> Path:
    """The committed configuration in a folder, with targets by job, a token, and durations divided by `factor`."""
    for file in (DEPLOY / "prometheus").rglob("*.yml"):
        copy = folder / file.relative_to(DEPLOY / "prometheus")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(yaml.safe_dump(_shortened(yaml.safe_load(file.read_text()), factor), sort_keys=False))
    groups = [
        {
            "targets": [f"{host}:{port}" for host, port in (found if isinstance(found, list) else [found])],
            "labels": {"job": job},
        }
        for job, found in targets.items()
    ]
    (folder / "targets" / "workers.yml").write_text(yaml.safe_dump(groups))
    (folder / "token").write_text(TOKEN)
    return folder / "prometheus.yml"


class Server:
    """A running Prometheus, asked through its API."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; fails with what Prometheus says is wrong."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(parameters)}")
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]

    def now(self, expr: str) -> list[Sample]:
        """What an expression is right now."""
        found = self.ask("query", query=expr)["result"]
        return [(series["metric"], [float(series["value"][1])]) for series in found]

    def since(self, expr: str, start: float, step_s: float) -> list[Sample]:
        """What an expression was from `start` (seconds since 1970) until now."""
        limits = {"start": str(start), "end": str(time.time()), "step": str(step_s)}
        found = self.ask("query_range", query=expr, **limits)["result"]
        return [(series["metric"], [float(value) for _, value in series["values"]]) for series in found]

    def firing(self) -> set[tuple[str, str]]:
        """Alert and job of everything that fires."""
        found = self.ask("alerts")["alerts"]
        return {
            (alert["labels"]["alertname"], alert["labels"].get("job", ""))
            for alert in found
            if alert["state"] == "firing"
        }


@contextmanager
def serving(config: Path, factor: int) -> Iterator[Server]:
    """Run Prometheus on a configuration made by `configure`; its data stays in the folder."""
    port = free_port()
    line = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'data'}",
        "--storage.tsdb.retention.time=90d",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--query.lookback-delta={LOOKBACK_S / factor:g}s",
        "--log.level=warn",
    ]
    log = config.parent / "prometheus.log"
    with log.open("ab") as out:
        process = subprocess.Popen(line, cwd=config.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _wait_until_ready(port, process, log)
        yield Server(port)
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            assert process.poll() is None, log.read_text()
        finally:
            connection.close()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
