"""What came of experiments, read back from its topic."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.outcome import OutcomeV1
from schemas.topics import Topics
from streams.errors import SetupError
from streams.files.published import outcome_of
from streams.readback.state import read_topic
from streams.settings import Settings


def read_outcomes(settings: Settings) -> Iterator[OutcomeV1]:
    """Every outcome on the topic up to its present end. Raises SetupError without it, and for what is not ours."""
    topic = Topics(settings.prefix).outcomes
    for _, value in read_topic(settings, topic):
        if value:
            try:
                yield outcome_of(value)
            except ValueError as error:
                raise SetupError(f"topic {topic}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error
