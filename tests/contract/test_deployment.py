"""Image and compose file, tried as far as that goes without Docker: checked, and their steps and settings used."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kafka.cluster import FLAGS
from kafka.jars import ensure_jars
from kafka.java import find_java
from streams.settings import Settings, load_settings
from support.broker import Broker
from support.compose import FILE, Service, compose_file, seconds, services
from support.dockerfile import Instruction, context_files, stages
from support.pages import get, wait_until_ready
from support.program import ROOT, environment
from support.workers import Worker, deploy

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
RUNTIME = ROOT / "deploy" / "requirements-runtime.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVICES = services()
OURS = [name for name, service in SERVICES.items() if service.given["image"].startswith("churn-signals")]
WORKERS = [name for name in OURS if SERVICES[name].given["command"] == ["worker"]]


@pytest.fixture(scope="session")
def tools() -> Path:
    """The checkers, in an environment of their own; made by make when they are missing."""
    subprocess.run(["make", "--silent", "tools"], cwd=ROOT, check=True, capture_output=True)
    return ROOT / ".cache" / "tools" / "bin"


def last_stage(name: str) -> Instruction:
    """The instruction of this name in the stage that becomes the image."""
    (found,) = [instruction for instruction in stages(DOCKERFILE)[-1] if instruction.name == name]
    return found


def locked(file: Path) -> dict[str, str]:
    """Name to the whole entry, hashes included."""
    entries = re.findall(r"^(?P<entry>[a-z0-9._-]+==.*(?:\\\n.*)*)$", file.read_text(), re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries}


def needed(name: str, seen: set[str]) -> set[str]:
    """Everything a distribution needs when it runs, itself included, as this environment has it."""
    if name not in seen:
        seen.add(name)
        for requirement in map(Requirement, requires(name) or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed(canonicalize_name(requirement.name), seen)
    return seen


def test_dockerfile_has_nothing_hadolint_warns_of(tools: Path) -> None:
    done = subprocess.run([tools / "hadolint", DOCKERFILE], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_file_keeps_the_compose_specification(tools: Path) -> None:
    command = [str(tools / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_image_is_pinned_slim_and_built_in_stages() -> None:
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert base is not None
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base[1])
    assert [stage[0].text for stage in stages(DOCKERFILE)] == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]


def test_image_runs_as_nobody_in_particular_and_without_a_shell() -> None:
    user = last_stage("USER").text
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user)
    assert f"--uid {user.partition(':')[0]} " in last_stage("RUN").text
    assert last_stage("ENTRYPOINT").words == ["churn-signals"]
    assert last_stage("CMD").words == ["worker"]
    assert "NONE" not in last_stage("HEALTHCHECK").text


def test_image_says_what_it_is() -> None:
    label = last_stage("LABEL").text
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in label
    assert f"VERSION={PROJECT['version']}" in [i.text for i in stages(DOCKERFILE)[-1] if i.name == "ARG"]
    assert {SERVICES[name].given["image"] for name in OURS} == {f"churn-signals:{PROJECT['version']}"}


def test_builder_sees_the_product_alone() -> None:
    files = context_files(ROOT)
    tops = {path.parts[0] for path in files}
    assert tops == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "deploy",
        *("models", "schemas", "streams"),
    }
    assert [path for path in files if path.parts[0] == "deploy"] == [Path("deploy/requirements-runtime.txt")]
    assert [path for path in files if "__pycache__" in path.parts] == []


def test_image_installs_the_dependencies_of_the_lock_less_those_of_development() -> None:
    runtime, lock = locked(RUNTIME), locked(ROOT / "requirements.lock")
    assert runtime.items() <= lock.items()
    assert set(runtime) == needed("churn-signals", set()) - {"churn-signals"}


@pytest.mark.installed
def test_installed_image_holds_the_product_and_its_dependencies_alone(image: Path) -> None:
    (site,) = (image / "lib").glob("python*/site-packages")
    found = {canonicalize_name(distribution.metadata["Name"]) for distribution in distributions(path=[str(site)])}
    assert found == {*locked(RUNTIME), "churn-signals"}
    size = sum(path.lstat().st_size for path in image.rglob("*") if path.is_file())
    print(f"/opt/churn without bytecode: {size / 1e6:.0f} MB")


@pytest.mark.installed
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["settings"], ["catalogue", "show"]])
def test_installed_image_runs_commands_from_anywhere(image: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [image / "bin" / "churn-signals", *arguments],
        cwd=tmp_path,
        env=environment({}),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_service_is_hardened_and_limited() -> None:
    for service in SERVICES.values():
        given = service.given
        assert (given["read_only"], given["init"], given["cap_drop"]) == (True, True, ["ALL"]), service.name
        assert given["security_opt"] == ["no-new-privileges:true"]
        assert {"mem_limit", "pids_limit", "networks"} <= set(given)
        assert "privileged" not in given
        assert re.fullmatch(r".+:v?\d+\.\d+\.\d+", given["image"]), f"{service.name}: an image without a version"
        assert all(port.startswith("127.0.0.1:") for port in given.get("ports", []))
        if given["restart"] != "no":
            assert seconds(given["stop_grace_period"]) >= 30


def test_no_service_holds_a_secret() -> None:
    for service in SERVICES.values():
        for name, value in service.environment.items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", name):
                assert name.endswith("_FILE"), f"{service.name}: {name}"
                assert value in {secret.target for secret in service.secrets}


def test_everything_mounted_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    tracked = {ROOT / name for name in listed}
    for service in SERVICES.values():
        for mount in service.mounts:
            assert any(mount.source in {path, *path.parents} for path in tracked), mount.source


def test_make_creates_every_secret_once_and_git_ignores_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = ["make", "--silent", "secrets", f"SECRETS={folder}"]
    subprocess.run(command, cwd=ROOT, check=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == set(compose_file()["secrets"])
    assert all(len(text.strip()) >= 32 for text in made.values())
    assert folder.stat().st_mode & 0o777 == 0o700
    subprocess.run(command, cwd=ROOT, check=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    kept = [str(path) for path in SERVICES["grafana"].secret_files.values()]
    ignored = subprocess.run(["git", "check-ignore", *kept], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ignored.stdout.split() == kept


def settings_of(service: Service, token: Path) -> Settings:
    """The settings of a container, with the files of this machine in the place of those inside."""
    sources = {mount.target: str(mount.source) for mount in service.mounts}
    sources |= {secret.target: str(token) for secret in service.secrets}
    return load_settings({name: sources.get(value, value) for name, value in service.environment.items()})


@pytest.mark.parametrize("name", OURS)
def test_environment_of_our_services_is_understood(name: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    settings = settings_of(SERVICES[name], token)
    assert settings.bootstrap == "kafka:19092"
    if name in WORKERS:
        assert settings.metrics_token == "s3cret"
        assert settings.instance_id == name


def test_workers_start_after_the_topics_and_have_names_of_their_own() -> None:
    assert len(WORKERS) == 2
    names = {SERVICES[name].environment["CHURN_INSTANCE_ID"] for name in WORKERS}
    assert len(names) == len(WORKERS)
    for name in WORKERS:
        waits = {other: wait["condition"] for other, wait in SERVICES[name].given["depends_on"].items()}
        assert waits == {"kafka": "service_healthy", "topics": "service_completed_successfully"}


def test_prometheus_finds_its_files_every_worker_and_the_learner() -> None:
    service = SERVICES["prometheus"]
    inside = {mount.target.removeprefix("/etc/prometheus/"): mount.source for mount in service.mounts + service.secrets}
    config = yaml.safe_load(inside["prometheus.yml"].read_text())
    (scrape,) = config["scrape_configs"]
    (targets,) = yaml.safe_load((inside["targets"] / "workers.yml").read_text())
    assert scrape["file_sd_configs"][0]["files"] == ["targets/workers.yml"]
    assert {*config["rule_files"], scrape["authorization"]["credentials_file"]} <= set(inside)
    assert targets["targets"] == [f"{name}:{Settings().metrics_port}" for name in (*WORKERS, "learner", "dispatcher")]


def test_grafana_is_told_what_its_provisioning_asks_for() -> None:
    service = SERVICES["grafana"]
    inside = {mount.target: mount.source for mount in service.mounts}
    asked: set[str] = set()
    for file in inside["/etc/grafana/provisioning"].glob("*/*.yaml"):
        text = re.sub(r"(^| )#.*", "", file.read_text(), flags=re.MULTILINE)
        asked |= set(re.findall(r"\$\{?([A-Z_]+)", text))
    assert asked == {"DASHBOARDS", "PROMETHEUS_URL"}
    assert list(inside[service.environment["DASHBOARDS"]].glob("*.json"))
    assert service.environment["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert set(service.given["networks"]) & set(SERVICES["prometheus"].given["networks"])


@pytest.mark.broker
def test_kafka_understands_its_environment(tmp_path: Path) -> None:
    """The image's own wrapper makes a configuration of it, which Kafka reads and formats the storage by."""
    defaults, mounted, final = tmp_path / "defaults", tmp_path / "mounted", tmp_path / "final"
    for folder in (defaults, mounted, final):
        folder.mkdir()
    for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (defaults / name).touch()
    arguments = ["setup", "-D", str(defaults), "-M", str(mounted), "-F", str(final)]
    done = subprocess.run(
        [str(find_java()), *FLAGS, "-cp", f"{ensure_jars()}/*", "kafka.docker.KafkaDockerWrapper", *arguments],
        env=SERVICES["kafka"].environment | {"KAFKA_LOG_DIRS": str(tmp_path / "data")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data" / "meta.properties").exists()


@pytest.mark.broker
@pytest.mark.installed
def test_worker_of_the_image_is_healthy_and_leaves_in_time(
    broker: Broker, prefix: str, image: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    service = SERVICES[WORKERS[0]]
    given = settings_of(service, token)
    deployment = deploy(
        broker,
        prefix,
        tmp_path,
        metrics_host=given.metrics_host,
        metrics_token_file=str(token),
        catalogue=str(given.catalogue),
    )
    program = [str(image / "bin" / last_stage("ENTRYPOINT").words[0]), *service.given["command"]]
    worker = Worker(deployment, WORKERS[0], instance=WORKERS[0], program=program)
    worker.start()
    try:
        address = wait_until_ready(worker)
        assert is_healthy(image, address[1])
        assert get(address, "/metrics")[0] == 401
        assert worker.terminate(seconds(service.given["stop_grace_period"])) == 0
        assert not is_healthy(image, address[1])
    finally:
        worker.close()


def is_healthy(image: Path, port: int) -> bool:
    """Run the health check of the image as Docker would, inside the container of a worker with this port."""
    _, *arguments = last_stage("HEALTHCHECK").words
    environ = environment({"metrics_port": str(port)})
    return (
        subprocess.run([image / "bin" / "python", *arguments], env=environ, check=False, capture_output=True).returncode
        == 0
    )
