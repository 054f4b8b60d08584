"""What keeps `make up` from its work: a SetupError is one line, this may have the end of a log in it."""

from __future__ import annotations


class LocalError(Exception):
    """Something is not as it must be: the thing, what is the matter, and what to do."""

    def __init__(self, thing: str, value: str, remedy: str) -> None:
        end = "" if value.endswith("?") else "."
        super().__init__(f"{thing}: {value.removesuffix('.')}{end} {remedy}")
        self.thing, self.value, self.remedy = thing, value, remedy

    def __reduce__(self) -> tuple[type[LocalError], tuple[str, str, str]]:
        return type(self), (self.thing, self.value, self.remedy)
