"""What ends a demo early."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on: which step, why, and what was last logged about it."""

    def __init__(self, step: str, why: str, log: str = "") -> None:
        super().__init__(f"{step}: {why}" + (f"\n{log}" if log else ""))
        self.step, self.why, self.log = step, why, log

    def __reduce__(self) -> tuple[type[DemoError], tuple[str, str, str]]:
        return type(self), (self.step, self.why, self.log)
