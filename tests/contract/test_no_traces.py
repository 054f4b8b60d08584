"""Whatever is wrong around the program, its user reads a sentence: no trace, no silence, no endless wait.

Commands and their options are taken from the program itself: a new one is tried without being added here.
"""

from __future__ import annotations

import gzip
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from streams.cli.output import OUTPUT, OUTPUT_PATH
from support.many_runs import Case, run_all
from support.verbs import GOOD_CATALOGUE, VERBS, arguments, asks_broker, check, nowhere

EVENT = (
    '{"id":"z%d","type":"purchase","customer_id":"f%d","event_time":"2026-01-%02dT10:00:00Z","schema_version":1,'
    '"source":"s","data":{"order_id":"%d","amount":10,"currency":"USD","items":1}}\n'
)
OPT_OUT = (
    '{"id":"k1","action":"opt_out","customer_id":"f1","at":"2026-01-02T00:00:00Z","by":"Ada","schema_version":1}\n'
)
"""Of a customer with alerts: it has a receipt, and what is held is suppressed."""
HOSTILE = ("\x1b[2J.jsonl", "[red]{}%s.jsonl", "\u202egnp.jsonl", "odd\udcff.jsonl", "line\nbreak.jsonl")
"""Names of files."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    events = "".join(EVENT % (n, n % 7, 1 + n % 28, n) for n in range(60))
    (made / "good.jsonl").write_text(events)
    return made


# -- without a broker


def test_every_command_runs_or_says_quickly_that_no_broker_is_there(folder: Path) -> None:
    ran = run_all(Case(tuple(arguments(verb, folder)), nowhere()) for verb in VERBS)
    check(ran)
    away = {case.arguments[0] for case, ended in ran if asks_broker(ended)}
    assert away >= {
        "alerts", "customer", "dead-letters", "doctor", "learner", "model", "produce", "tick", "topics", "watch",
        "worker",
    }  # fmt: skip
    for case, ended in ran:
        if asks_broker(ended) and case.arguments[0] != "watch":
            assert ended.seconds < 12, case
            assert ended.code == 2
            assert len(ended.err.strip().splitlines()) <= 3, ended.err


# -- what is around a program


SURROUNDINGS: dict[str, dict[str, str]] = {
    "dumb": {"TERM": "dumb"},
    "unknown": {"TERM": "nothing-known"},
    "no colour": {"NO_COLOR": "1", "FORCE_COLOR": ""},
    "narrow": {"COLUMNS": "1", "LINES": "1"},
    "none": {"COLUMNS": "0"},
    "odd": {"COLUMNS": "-5", "LINES": "many"},
    "wide": {"COLUMNS": "100000"},
    "kubernetes": {
        "CHURN_SIGNALS_PORT": "tcp://10.0.0.1:9464", "CHURN_SERVICE_HOST": "10.0.0.1", "CHURN_SERVICE_PORT": "9464",
        "CHURN_WORKER_PORT_9464_TCP": "tcp://10.0.0.1:9464", "CHURN_WORKER_PORT_9464_TCP_ADDR": "10.0.0.1",
        "CHURN_METRICS_PORT": "tcp://10.0.0.1:9464",
    },
}  # fmt: skip
OFFLINE = ("replay", "backtest", "simulate", "catalogue", "settings", "schemas")
ASKS_A_BROKER = ("catalogue", "history")


def offline(folder: Path) -> list[tuple[str, ...]]:
    asked = [verb for verb in VERBS if verb.words[0] in OFFLINE and verb.words != ASKS_A_BROKER]
    return [tuple(arguments(verb, folder)) for verb in asked]


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_terminals_and_environments_of_all_kinds_are_borne(name: str, folder: Path) -> None:
    check(run_all(Case(line, SURROUNDINGS[name]) for line in offline(folder)), 0)


def test_outputs_without_unicode_are_borne(folder: Path) -> None:
    lines = [*offline(folder), ("--help",), ("backtest", "--help")]
    for encoding in ("ascii", "latin-1", "cp437"):
        check(run_all(Case(line, encoding=encoding) for line in lines), 0)


def test_json_is_utf_8_whatever_the_output_is(folder: Path) -> None:
    line = ("replay", str(folder / "good.jsonl"), "--json")
    (_, one), (_, other) = run_all([Case(line), Case(line, encoding="ascii")])
    assert one.out == other.out
    assert one.out.startswith("{")


@pytest.mark.parametrize(("output", "codes"), [("closed", (0,)), ("none", (0,)), ("/dev/full", (2,))])
def test_a_reader_that_left_a_missing_output_and_a_full_disk_are_told_apart(
    output: str, codes: tuple[int, ...], folder: Path
) -> None:
    ran = run_all(Case(line, output=output) for line in offline(folder))
    check(ran, *codes)
    if output == "/dev/full":
        assert all("standard output: cannot be written: No space left on device" in ended.err for _, ended in ran)


# -- files


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that are none, or not what is asked for."""
    contents = {
        "empty": b"", "newlines": b"\n\n\r\n", "nul": b"\0" * 1000, "binary": os.urandom(4000),
        "latin": "id;b\xfcro\n1;caf\xe9\n".encode("latin-1"), "utf16": "a: 1\n".encode("utf-16"), "number": b"1",
        "bom": b"\xef\xbb\xbf", "deep": b"[" * 100_000, "deep-map": b'{"a":' * 50_000, "crlf": b"a\r\nb\r\n",
        "long": b'{"id": "' + b"x" * 2_000_000, "word": b"off", "list": b"- 1\n", "alias": b"a: &a [*a]\n",
        "escape": b'{"id": "\x1b[2J\xe2\x80\xae", "type": "[/red]"}\n', "surrogate": b'{"id": "\\ud800"}\n',
        "cut": gzip.compress(b"x" * 10_000)[:40],
    }  # fmt: skip
    found: dict[str, Path] = {}
    for name, content in contents.items():
        ending = ".jsonl.gz" if name == "cut" else ".jsonl"
        found[name] = folder / f"{name}{ending}"
        found[name].write_bytes(content)
    found["packed.jsonl.gz"] = folder / "packed.jsonl.gz"
    found["packed.jsonl.gz"].write_bytes(gzip.compress(b"\xff\xfe no json\n"))
    found["locked"] = folder / "locked.jsonl"
    found["locked"].write_text("{}")
    found["locked"].chmod(0)
    for number, name in enumerate(HOSTILE):
        found[f"hostile {number}"] = folder / name
        found[f"hostile {number}"].write_text("{}\n")
    return found | {"folder": folder, "missing": folder / "missing.jsonl", "null": Path("/dev/null")}


FEW = ("empty", "binary", "deep", "hostile 0", "hostile 3", "folder", "missing")
"""What is tried where another command reads such a file as well, with everything."""
WHOLLY = {("replay", "files"), ("replay", "mapping_name"), ("check", "file")}


def test_files_that_are_not_what_they_should_be_are_told(tmp_path: Path, folder: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    """Every option with all or a few of the files; every day with one in three of them."""
    bad = bad_files(tmp_path)
    goods = (str(folder / "good.jsonl"), GOOD_CATALOGUE)
    cases: list[Case] = []
    tried: set[tuple[str, str]] = set()
    for verb in VERBS:
        line = arguments(verb, folder)
        for param in verb.command.params:
            is_read = isinstance(param.type, click.Path) and param.type not in (OUTPUT, OUTPUT_PATH)
            if param.name not in ("mapping_name", "files") and not is_read:  # files may be FILE:MAPPING
                continue
            if not (isinstance(param.type, click.Path) and param.type.file_okay is False):
                tried.add((verb.words[-1], str(param.name)))
            is_whole = (verb.words[-1], param.name) in WHOLLY
            files = list(bad.values()) if is_whole else [bad[name] for name in FEW]
            for path in files if is_full else files[len(cases) % 3 :: 3]:
                if isinstance(param, click.Argument):
                    cases.append(Case(tuple(str(path) if word in goods else word for word in line), nowhere()))
                else:
                    cases.append(Case((*line, param.opts[0], str(path)), nowhere()))
    assert tried >= WHOLLY
    check(run_all(cases))


def test_settings_that_name_files_which_are_none_are_told(tmp_path: Path) -> None:
    names = ("CATALOGUE", "METRICS_TOKEN_FILE", "SASL_PASSWORD_FILE", "SSL_CA", "SSL_CERTIFICATE", "SSL_KEY")
    bad = bad_files(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = ("customer", "f1")  # reads the catalogue first, then asks for a broker
    cases = [
        Case(line, nowhere() | {f"CHURN_{name}": str(path)})
        for name in names
        for path in (*(bad.values() if name == "CATALOGUE" else (bad[few] for few in FEW)), pipe)
        for line in (("settings",), ("settings", "--json"), *([read] if name == "CATALOGUE" else []))
    ]
    check(run_all(cases), 0, 2)


def test_outputs_that_cannot_be_written_are_named_by_every_option(tmp_path: Path, folder: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    """Every option with one place that cannot be written, in turn; with `--full` with all of them."""
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    refused = tmp_path / "refused.jsonl"
    refused.write_bytes((folder / "good.jsonl").read_bytes() + b"{}\n")
    commands = tmp_path / "commands.jsonl"
    commands.write_text(OPT_OUT)
    targets = ["/dev/full", str(tmp_path), str(tmp_path / "missing" / "x")]
    targets += [] if os.geteuid() == 0 else [str(locked / "x")]
    cases: list[Case] = []
    for verb in VERBS:
        for option in verb.options(OUTPUT, OUTPUT_PATH):
            line = [word for word in arguments(verb, folder) if not word.startswith(str(folder / "out-"))]
            line = [word for word in line if word != option]
            line += ["--against", GOOD_CATALOGUE] if option == "--html" and verb.words == ("replay",) else []
            line += ["--commands", str(commands)] if option in ("--receipts", "--suppressed") else []
            line += ["--detect"] if option in ("--report", "--html") and verb.words == ("simulate",) else []
            line += (
                ["--until", "2035-01-01T00:00:00Z"] if option in ("--outcomes", "--keep") else []
            )  # a horizon is over
            if option == "--rejects":  # nothing is written without a line that is refused
                line = [str(refused) if word == str(folder / "good.jsonl") else word for word in line]
            tried = targets if is_full else [targets[len(cases) % len(targets)]]
            cases += [Case((*line, option, target), nowhere()) for target in tried]
    assert len(cases) >= 10 * len(tried)
    ran = run_all(cases)
    check(ran, 2)
    for case, ended in ran:
        target = case.arguments[-1].removesuffix("/x")  # a folder that is not there is named itself
        assert target in ended.err or asks_broker(ended), (case, ended)


def test_a_file_that_is_read_is_not_written(folder: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes((folder / "good.jsonl").read_bytes())
    same = tmp_path / "same.jsonl"
    same.symlink_to(events)
    twice = ("replay", str(events), "--alerts", str(tmp_path / "x"), "--stages", str(tmp_path / "x"))
    ran = run_all([Case(("replay", str(events), "--alerts", str(same))), Case(twice)])
    check(ran, 2)
    assert events.read_bytes() == (folder / "good.jsonl").read_bytes()


# -- values of options

ODD_TEXTS = (
    "", " ", "\x1b[2J", "[/red]", "%s{}", "\u202e", "x" * 5000, "-", "--", "../..", "odd\udcff", "a,b", "http://[bad",
    "file:///etc/passwd", "ht!tp://x", "http://x:99999999", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "1970-01-01", "9999-12-31", "0001-01-01",
)  # fmt: skip
ODD_NUMBERS = (
    "0", "-1", "9" * 23, "9" * 5000, "1e309", "nan", "inf", "1_0", "\u0663", "-99999999999", "0.0000001",
)  # fmt: skip
NUMBERS = (click.types.IntParamType, click.types.FloatParamType)  # ranges are of them


FEW_VALUES: Final = 12
"""One in so many values of an option is enough for every day."""


@pytest.mark.slow
def test_odd_values_of_every_option_are_borne(folder: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    """Every option with some of the values; with `--full` with all of them."""
    cases: list[Case] = []
    for verb in VERBS:
        for param in verb.command.params:
            if isinstance(param.type, click.Path) or getattr(param, "is_flag", False) or param.type is OUTPUT:
                continue
            values = ODD_NUMBERS if isinstance(param.type, NUMBERS) else ODD_TEXTS
            given = [] if isinstance(param, click.Argument) else [*arguments(verb, folder), param.opts[0]]
            tried = values if is_full else values[len(cases) % FEW_VALUES :: FEW_VALUES]
            cases += [Case((*(given or verb.words), value), nowhere()) for value in tried]
    assert len(cases) > (300 if is_full else 40)
    check(run_all(cases))


# -- signals


@pytest.fixture
def silent_broker() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_every_command_with_its_code(
    number: signal.Signals, code: int, folder: Path, silent_broker: int, tmp_path: Path
) -> None:
    env = {"CHURN_BOOTSTRAP": f"127.0.0.1:{silent_broker}", "CHURN_METRICS_PORT": "0"}
    lines = [tuple(arguments(verb, folder)) for verb in VERBS]
    lines += [
        ("simulate", "--customers", "20000", "--days", "300", "--out", str(tmp_path / "events.jsonl.gz")),
        ("simulate", "--customers", "20000", "--days", "300", "--detect", "--jobs", "2"),
    ]
    ran = run_all(Case(line, env, kill=(number, 1.5)) for line in lines)
    check(ran, 0, 1, 2, code)
    assert len([case for case, ended in ran if ended.code == code]) >= 8
    assert all(ended.seconds < 15 for _, ended in ran)
