"""The wheel: exactly three packages, whole, and shared with nobody; its command runs from anywhere."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

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
    kept = (".py", ".json", ".yaml", "py.typed")
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


def test_installed_wheel_runs_its_command(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=False)
    python = tmp_path / "clean" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    # The dependencies are those of this environment, behind the clean one's own packages.
    site = next((tmp_path / "clean" / "lib").glob("python*/site-packages"))
    behind = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "behind.pth").write_text(behind + "\n")
    check = (
        "import importlib, pkgutil, sys\n"
        f"for name in {sorted(PACKAGES)}:\n"
        "    package = importlib.import_module(name)\n"
        "    assert package.__file__.startswith(sys.prefix), package.__file__\n"
        "    for module in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    done = subprocess.run([python, "-P", "-c", check], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    command = tmp_path / "clean" / "bin" / "churn-signals"
    done = subprocess.run([command, "--help"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "topics" in done.stdout
