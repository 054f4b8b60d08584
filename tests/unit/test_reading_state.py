"""State that this program cannot read is told in a sentence, by whichever command reads it."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from models.engine.frozen import SnapshotError
from streams.errors import EXIT_SETUP, SetupError
from streams.readback import state
from streams.transport.errors import StopWorkerError

OTHER = SnapshotError("snapshot format", "3, this program reads 4", "Start the program that wrote it.")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (OTHER, "churn.changelog/2, snapshot format: 3, this program reads 4. Start the program that wrote it."),
        (SetupError("partitions", "2, not 3", "Set it."), "churn.changelog/2, partitions: 2, not 3. Set it."),
        (ValueError("a piece is missing"), "churn.changelog/2: a piece is missing. A worker says more"),
    ],
)
def test_what_a_worker_cannot_go_on_with_is_no_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, said: str
) -> None:
    def refuse(_source: Any, _loaded: Any) -> None:
        raise StopWorkerError(str(cause), EXIT_SETUP) from cause

    monkeypatch.setattr(state, "as_loaded", refuse)
    with pytest.raises(SetupError) as error:
        state._as_loaded(Mock(), Mock(topic="churn.changelog", partition=2))
    assert str(error.value).startswith(said)
