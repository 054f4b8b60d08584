"""The wheel: exactly three packages, whole, and shared with nobody; its command runs from anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.installed

ROOT = Path(__file__).parents[2]
PACKAGES = {"streams", "models", "schemas"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"
    source.mkdir()
    tracked = [*PACKAGES, "pyproject.toml", "README.md", "LICENSE"]  # a copy: no build/ left in the checkout
    subprocess.run(["cp", "-r", *tracked, str(source)], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_wheel_holds_three_packages_and_every_module(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    kept = (".py", ".json", ".yaml", ".html", "py.typed")
    sources = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.name.endswith(kept) and "__pycache__" not in path.parts
    }
    assert sources - set(names) == set()


def test_no_other_distribution_claims_our_names() -> None:
    claims = {
        (distribution.metadata["Name"], path.parts[0])
        for distribution in distributions()
        for path in distribution.files or ()
        if path.parts[0] in {*PACKAGES, "kafka"} and distribution.metadata["Name"] != "churn-signals"
    }
    assert claims == set()


def test_every_module_of_the_installed_wheel_can_be_imported_without_tools_of_development(
    image: Path, tmp_path: Path
) -> None:
    check = (
        "import importlib, pkgutil, sys\n"
        f"for name in {sorted(PACKAGES)}:\n"
        "    package = importlib.import_module(name)\n"
        "    assert package.__file__.startswith(sys.prefix), package.__file__\n"
        "    for module in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    python = image / "bin" / "python"
    done = subprocess.run([python, "-P", "-c", check], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_installed_wheel_runs_its_command(image: Path, tmp_path: Path) -> None:
    command = image / "bin" / "churn-signals"
    done = subprocess.run([command, "--help"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "topics" in done.stdout
