"""Work that goes on in a thread of its own while a block runs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Background(ABC):
    """A context manager: the work begins with the block, and is asked to end with it."""

    def __init__(self, name: str, leaves_within_s: float | None = None) -> None:
        """`leaves_within_s`: how long the end of the block waits for it; as long as it takes when None."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._leaves_within_s = leaves_within_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(self._leaves_within_s)

    @abstractmethod
    def _work(self) -> None:
        """The work; it ends soon after `_stop` is set, and lets no error out."""
