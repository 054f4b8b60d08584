"""Why a worker stops: each error carries the exit code of the process."""

from __future__ import annotations


class StopWorkerError(Exception):
    """Raised by an owner to end the worker: nothing of the frame at hand is committed."""

    exit_code = 1

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[StopWorkerError], tuple[object, ...]]:
        return type(self), (str(self), self.exit_code)


class LostFrameError(Exception):
    """A frame does not begin where the one before it ended: going on would skip records without a trace."""

    def __init__(self, topic: str, partition: int, first: int, expected: int) -> None:
        super().__init__(f"{topic}/{partition}: frame begins at offset {first}, taken so far up to {expected}")
        self.topic, self.partition, self.first, self.expected = topic, partition, first, expected

    def __reduce__(self) -> tuple[type[LostFrameError], tuple[str, int, int, int]]:
        return type(self), (self.topic, self.partition, self.first, self.expected)


class DeliveryError(Exception):
    """The broker refused or never acknowledged something written: the offsets behind it must not be committed."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"could not deliver to {topic}: {reason}")
        self.topic, self.reason = topic, reason

    def __reduce__(self) -> tuple[type[DeliveryError], tuple[str, str]]:
        return type(self), (self.topic, self.reason)


class TopicRestartedError(Exception):
    """A topic's offsets begin anew: it was deleted and made again, or cut off. State and offsets no longer agree."""

    def __init__(self, topic: str, partition: int, first: int, expected: int) -> None:
        super().__init__(
            f"{topic}/{partition}: got offset {first} after {expected - 1}; if the topic was made anew, raise "
            "CHURN_APP_VERSION and begin with a new changelog"
        )
        self.topic, self.partition, self.first, self.expected = topic, partition, first, expected

    def __reduce__(self) -> tuple[type[TopicRestartedError], tuple[str, int, int, int]]:
        return type(self), (self.topic, self.partition, self.first, self.expected)
