"""A Dockerfile without Docker: its instructions, what may reach the builder, and its steps run in a folder."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ABSOLUTE: Final = re.compile(r"(?<![\w.>])/(?=(?:build|opt)/)")
"""Where a path of the image begins in a command; everything else on the machine is left as it is."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its continuation lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What an instruction in exec form holds."""
        words: list[str] = json.loads(self.text[self.text.index("[") :])
        return words


def stages(dockerfile: Path) -> list[list[Instruction]]:
    """The stages, each from its FROM on; what stands before the first is left out."""
    found: list[list[Instruction]] = []
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    for joined in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        name, _, text = joined.strip().partition(" ")
        if name == "FROM":
            found.append([])
        if name and found:
            found[-1].append(Instruction(name, text.strip()))
    return found


def context_files(root: Path) -> list[Path]:
    """The files that `.dockerignore` lets through, relative to `root`."""
    lines = (root / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    found: list[Path] = []
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        found += [here / name for name in files if not _is_ignored(here / name, rules)]
        names[:] = [name for name in names if _may_hold_some(here / name, rules)]
    return sorted(found)


def _may_hold_some(folder: Path, rules: list[str]) -> bool:
    return not _is_ignored(folder, rules) or any(rule.startswith(f"!{folder}/") for rule in rules)


def _is_ignored(path: Path, rules: list[str]) -> bool:
    """Of the rules that match a path or a folder above it, the last one decides; a star does not match a slash."""
    is_ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        for part in [path, *path.parents][:-1]:
            name = part.name if pattern.startswith("**/") else str(part)
            is_as_deep = pattern.startswith("**/") or len(part.parts) == len(Path(pattern).parts)
            if is_as_deep and fnmatch.fnmatchcase(name, pattern.removeprefix("**/")):
                is_ignored = not rule.startswith("!")
    return is_ignored


def run_stage(stage: list[Instruction], context: Path, root: Path, variables: Mapping[str, str]) -> None:
    """Run the steps of a stage with `root` in the place of `/` and `variables` in that of ENV, on the tests' Python."""
    kept = context_files(context)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "PYTHON"))}
    environ |= {**variables, "PATH": f"{_python_alone(root)}:{os.environ['PATH']}"}
    folder = root
    for instruction in stage:
        if instruction.name == "WORKDIR":
            folder = root / instruction.text.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
        elif instruction.name == "COPY":
            *sources, target = instruction.text.split()
            for source in sources:
                _copy(context, kept, Path(source), folder / target)
        elif instruction.name == "RUN":
            command = ABSOLUTE.sub(f"{root}/", instruction.text)
            done = subprocess.run(
                ["/bin/sh", "-euc", command], cwd=folder, env=environ, check=False, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        else:
            assert instruction.name in {"FROM", "ENV", "ARG"}, f"{instruction.name} is not known here"


def _python_alone(root: Path) -> Path:
    """A folder with `python` and nothing else of the environment the tests run in."""
    folder = root / "python"
    folder.mkdir(parents=True)
    (folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "python").chmod(0o755)
    return folder


def _copy(context: Path, kept: list[Path], source: Path, target: Path) -> None:
    """As COPY does: the content of a folder, or a file into a folder; what `.dockerignore` withholds is not there."""
    files = [path for path in kept if path == source or source in path.parents]
    assert files, f"COPY {source}: nothing of it reaches the builder"
    for path in files:
        to = target / (path.name if path == source else path.relative_to(source))
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(context / path, to)
