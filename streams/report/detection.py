"""The report of detection as a value: how it was made, the targets, and everything measured. Its JSON is a contract."""

from __future__ import annotations

from typing import Literal

import msgspec

from models.detection.findings import Detection
from models.detection.targets import Target, judge


class Made(msgspec.Struct, frozen=True):
    """How a report was made: the same values give the same report."""

    customers: int
    days: int
    seed: int
    start: str
    catalogue: str
    program: str


class DetectionReport(msgspec.Struct, frozen=True):
    """A whole report."""

    made: Made
    targets: tuple[Target, ...]
    detection: Detection
    schema_version: Literal[1] = 1

    @property
    def missed(self) -> list[Target]:
        """The targets that were judged and missed."""
        return [target for target in self.targets if target.is_met is False]


def report_on(made: Made, detection: Detection) -> DetectionReport:
    """Judge what was measured."""
    return DetectionReport(made, judge(detection), detection)
