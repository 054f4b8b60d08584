"""`merge` cannot be undone: it asks, and says of which id nothing is known; a program that is sure is not asked."""

from __future__ import annotations

from pathlib import Path

from support.arrivals import merged
from support.broker import Broker
from support.builders import NOON_MS, login
from support.posting import post
from support.program import run
from support.reading import read_topic
from support.workers import deploy, wait_for_lag_zero, workers


def test_it_asks_and_says_of_whom_nothing_is_known(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2, user="Ann")
    post(deployment, merged([login(customer, NOON_MS) for customer in ("known-1", "known-2")]))
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
    asked = run("merge", "known-1", "mistyped", **deployment.settings)  # nobody is there to answer
    assert asked.code != 0
    assert "no event of mistyped was taken in so far" in asked.err
    assert "no event of known-1" not in asked.err
    assert "no event of" not in run("merge", "known-1", "known-2", **deployment.settings).err
    assert not read_topic(broker.bootstrap, deployment.topics.commands)
    sure = run("merge", "known-1", "known-2", "--yes", **deployment.settings)
    assert (sure.code, sure.err) == (0, "")
    assert len(read_topic(broker.bootstrap, deployment.topics.commands)) == 1
