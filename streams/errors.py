"""What stops the program before or beside its work, and the exit codes that say so."""

from __future__ import annotations

from typing import Final

from streams.text.plain import plain

EXIT_DONE: Final = 0
EXIT_PROBLEM: Final = 1
"""The work was done and found a problem."""
EXIT_SETUP: Final = 2
"""Wrong usage, settings or surroundings: nothing was done."""
EXIT_DEAD_LETTER_LIMIT: Final = 3
EXIT_NOTHING_MOVED: Final = 70
"""There was work and none of it moved; a restart may help."""
EXIT_FAULT: Final = 1
"""A fault of the program, as of any program whose error nobody caught."""
EXIT_INTERRUPTED: Final = 130
EXIT_TERMINATED: Final = 143
"""After Ctrl-C and after SIGTERM, as shells have it; programs that run for long end with 0 then."""


class SetupError(Exception):
    """The surroundings are not as the product needs them: which thing, its value, and what to do about it."""

    def __init__(self, thing: str, value: str, remedy: str) -> None:
        super().__init__(plain(f"{thing}: {value}. {remedy}"))
        self.thing = thing
        self.value = value
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[SetupError], tuple[str, str, str]]:
        return type(self), (self.thing, self.value, self.remedy)


class SettingsError(SetupError):
    """A setting that is unknown or has a value it may not have."""


class BrokerUnreachableError(SetupError):
    """No broker answered."""


class AuthenticationError(SetupError):
    """The broker refused our name and password, or one side refused the other's certificate."""
