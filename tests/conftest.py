"""What every test run has: a shared broker where asked for, and unit tests that cannot reach one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from support import tries
from support.broker import Broker, delete_topics, fresh_prefix, open_broker
from support.program import Starting

collect_ignore = ["benchmarks/peers"]
"""Programs of their own, on packages that are not installed here."""

OFFLINE = frozenset({"unit", "property"})
"""Folders of tests that need no network."""

LONGEST = (
    "test_worker_state", "test_ticks", "test_shutdown", "test_dead_letters", "test_reference", "test_replay_command",
    "test_make_up", "test_erasure", "test_prometheus", "test_equality", "test_arrival", "test_demo",
    "test_broker_loss", "test_learning", "test_transport", "test_alerts_fire", "test_broker_away", "test_sabotage",
    "test_closed_loop", "test_gauges", "test_no_traces", "test_hindsight", "test_pauses", "test_golden",
    "test_dev_kafka", "test_lost_input", "test_late", "test_commands_arrive", "test_backtest_command",
    "test_scored_after_backlog", "test_merging", "test_digests", "test_slow_link", "test_everything",
    "test_partition_counts", "test_dashboards", "test_live_reports", "test_learning_replay", "test_screens",
    "test_hostile_texts", "test_columns", "test_replay_then", "test_produce", "test_fuzz", "test_setup_failures",
    "test_snapshot_kills", "test_erased", "test_signals_command", "test_detection_page", "test_running",
    "test_transport_broker_loss",
)  # fmt: skip
"""Files that take a quarter of a minute and more, the longest first: side by side, what is long must not begin last."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`: the sizes the README speaks of, instead of those that fit into a run of all tests."""
    parser.addoption("--full", action="store_true", help="full sizes: 100,000 events, every kill; takes half an hour")


def pytest_configure(config: pytest.Config) -> None:
    """Say how many examples property tests try."""
    tries.use(is_full=config.getoption("--full"))


@pytest.fixture(scope="session")
def is_full(request: pytest.FixtureRequest) -> bool:
    """Whether this run is of full size."""
    return bool(request.config.getoption("--full"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder, so that none is forgotten; leave out those for `--full`; the longest begin first."""
    for item in items:
        if (full := item.get_closest_marker("full")) is not None and not config.getoption("--full"):
            item.add_marker(pytest.mark.skip(reason=f"{full.args[0]}: only with --full"))
        for folder in _folders(item.path) & {"broker", "chaos"}:
            item.add_marker(folder)
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    """Have programs of ours forked from one that imported everything, once the first is started."""
    Starting.is_forking = True
    yield
    Starting.close()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One Kafka for the whole run: of our own, or the one CHURN_BOOTSTRAP names."""
    with open_broker() as opened:
        yield opened


@pytest.fixture
def prefix(broker: Broker) -> Iterator[str]:
    """A topic prefix (and good group name) no other test has; its topics go when the test ends."""
    name = fresh_prefix()
    yield name
    delete_topics(broker, name)


@pytest.fixture(autouse=True)
def _offline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse network connections in tests that are said to need none."""
    if not _folders(request.path) & OFFLINE:
        return

    def refuse(_self: socket.socket, address: object) -> NoReturn:
        where = " and ".join(sorted(OFFLINE))
        message = f"tests in {where} need no network, this one connects to {address}: move it to broker"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def _folders(path: Path) -> set[str]:
    """The folders below tests/ that a test is in; none for an example in a docstring."""
    tests = Path(__file__).parent
    return set(path.relative_to(tests).parts[:-1]) if path.is_relative_to(tests) else set()
