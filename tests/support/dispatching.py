"""The digests on a deployment's topic, and those that it should have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schemas.digest import DigestV1, decode_digest
from support.program import run
from support.reading import read_topic
from support.waiting import wait_until
from support.workers import Deployment, Worker

MADE_WITHIN_S = 90.0


def place(digest: DigestV1) -> tuple[str, str]:
    """What a digest is known by."""
    return digest.owner, digest.at


def replayed_digests(history: Path, made: Path, *more: str, catalogue: str) -> dict[tuple[str, str], DigestV1]:
    """Those that `replay` makes of a history; further options may be given."""
    told = run("replay", str(history), "--digests", str(made), *more, catalogue=catalogue)
    assert told.code == 0, told.err
    return {place(one): one for one in map(decode_digest, made.read_bytes().splitlines())}


def on_topic(deployment: Deployment) -> list[DigestV1]:
    """All that were sent, in the order of the topic."""
    return [
        decode_digest(one.value() or b"") for one in read_topic(deployment.broker.bootstrap, deployment.topics.digests)
    ]


def wait_until_sent(dispatcher: Worker, is_enough: Callable[[list[DigestV1]], bool]) -> None:
    """Wait until what the dispatcher has sent is enough."""
    wait_until(lambda: is_enough(on_topic(dispatcher.deployment)), MADE_WITHIN_S, running=[dispatcher])
