"""The jars of Apache Kafka: fetched once, compared with `jars.lock`, shared by every broker of this checkout.

`jars.lock` holds `<sha256>  <path in a Maven repository>`; the two things asked for are `kafka_2.13` and the slf4j
binding, the rest is what they need. Maven fetches them where it is installed (it knows the mirrors of the machine),
otherwise the Python package `jgo` does. `jgo` is asked for each file by name and never to resolve dependencies: asked
to resolve both at once it chooses an older kafka-clients, and the broker dies with NoSuchMethodError.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("jars.lock")

CACHE = Path(os.environ.get("DEVKAFKA_CACHE") or Path(__file__).parents[2] / ".cache" / "kafka")
"""Where the jars are kept; git-ignored, safe to delete, safe to share between test runs."""

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>devkafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.1</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>2.24.3</version></dependency></dependencies></project>
"""


class JarError(Exception):
    """A jar could not be fetched, or is not the one the lock names; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    sha256: str
    path: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Every jar the lock names."""
    return tuple(Jar(*line.split()) for line in lock.read_text().splitlines() if line.strip())


def ensure_jars(cache: Path = CACHE, lock: Path = LOCK) -> Path:
    """Return the folder with exactly the locked jars, fetching them if it is missing or changed.

    Several processes may call this at once: one fetches, the others wait. The folder appears by one rename.
    """
    name = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = cache / f"libs-{name}"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{name}.lock"):
        if folder.exists():
            if not differences(folder, lock):
                return folder
            shutil.rmtree(folder)  # a changed or missing jar: fetch again
        _fetch(folder, lock)
    return folder


def differences(folder: Path, lock: Path = LOCK) -> list[str]:
    """What is not as the lock says, one line for each file; empty when all is well."""
    found = []
    jars = locked_jars(lock)
    for jar in jars:
        file = folder / jar.name
        if not file.exists():
            found.append(f"{jar.name}: missing")
        elif (actual := hashlib.sha256(file.read_bytes()).hexdigest()) != jar.sha256:
            found.append(f"{jar.name}: sha256 is {actual}, the lock says {jar.sha256}")
    unknown = {file.name for file in folder.glob("*.jar")} - {jar.name for jar in jars}
    return found + [f"{name}: not in the lock" for name in sorted(unknown)]


def _fetch(folder: Path, lock: Path) -> None:
    ways: list[Callable[[Path, Path], None]] = [_by_maven, _by_jgo] if shutil.which("mvn") else [_by_jgo]
    problems: list[str] = []
    for way in ways:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as temporary:
            new = Path(temporary) / "libs"
            new.mkdir()
            try:
                way(new, lock)
            except JarError as error:
                problems.append(str(error))
                continue
            if wrong := differences(new, lock):
                raise JarError(f"{wrong[0]} ({len(wrong)} differ); nothing kept, the broker is not started")
            new.rename(folder)
            return
    raise JarError("; ".join(problems))


def _by_maven(new: Path, _lock: Path) -> None:
    pom = new.parent / "pom.xml"
    pom.write_text(POM)
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    short = f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 {os.environ.get('MAVEN_OPTS', '')}"  # it runs for seconds
    done = subprocess.run(
        [*command, "-DincludeScope=runtime", f"-DoutputDirectory={new}"],
        env=os.environ | {"MAVEN_OPTS": short.strip()},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise JarError(f"Maven could not fetch the jars: {(done.stdout + done.stderr).strip()[-400:]}")


def _by_jgo(new: Path, lock: Path) -> None:
    from jgo.maven import MavenContext

    context = MavenContext(timeout=60)
    for jar in locked_jars(lock):
        *group, artifact, version, name = jar.path.split("/")
        classifier = name.removeprefix(f"{artifact}-{version}").removesuffix(".jar").lstrip("-")
        try:
            component = context.project(".".join(group), artifact).at_version(version)
            source = component.artifact(classifier=classifier).resolve()
        except Exception as error:  # whatever a downloader raises, the remedy is the same
            raise JarError(f"{name} could not be fetched: {error}") from error
        shutil.copyfile(source, new / name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
