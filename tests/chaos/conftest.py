"""What tests that kill share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kafka.cluster import Cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A broker of this test's own: it will be killed."""
    with Cluster() as own:
        yield own
