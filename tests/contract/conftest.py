"""What contract tests share: the installed product as the image holds it, made once for all processes of a run."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.dockerfile import run_stage, stages
from support.program import ROOT


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What the image has at /opt/churn: made by the steps of the Dockerfile, less the compiled bytecode."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "image"
    installed = folder / "opt" / "churn"
    done = folder / ".done"
    with _alone(folder.with_suffix(".lock")):
        if not done.exists():
            build, *_ = stages(ROOT / "deploy" / "Dockerfile")
            run_stage(build, ROOT, folder, {"PIP_COMPILE": "0"})
            done.touch()
    return installed


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
