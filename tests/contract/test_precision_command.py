"""`churn-signals precision` as its user runs it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import orjson

from schemas.alert import AlertV1, encode_alert
from schemas.outcome import OutcomeV1, encode_outcome
from schemas.receipt import ReceiptV1, encode_receipt
from schemas.suppressed import SuppressedV1, encode_suppressed
from streams.report.precision import PrecisionReport
from support.experiments import counted
from support.histories import Size, history, write_history
from support.program import run
from unit.test_precision import Record, alert, held, said, world


def line_of(one: Record) -> bytes:
    if isinstance(one, AlertV1):
        return encode_alert(one)
    if isinstance(one, SuppressedV1):
        return encode_suppressed(one)
    return encode_receipt(one) if isinstance(one, ReceiptV1) else encode_outcome(one)


def write(path: Path, records: list[Record]) -> Path:
    path.write_bytes(b"\n".join(map(line_of, records)) + b"\n")
    return path


def test_files_of_any_mixture_are_told_in_words_and_numbers(tmp_path: Path) -> None:
    outcomes: list[OutcomeV1] = counted((0, 0), (3, 9), first=5_000)
    records = [*world(1, tells=True), *outcomes, *(held(5_000 + number) for number in range(9))]
    file = write(tmp_path / "all.jsonl", records)
    done = run("precision", str(file))
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    assert "People answered 400 of 409 alerts" in words
    assert "of 9 held out 67 % (35-88) stayed away though nobody acted" in words
    assert "loyal_gone_silent: `days_since_purchase` at " in words
    assert "Nothing is changed by this" in words
    found = msgspec.json.decode(run("precision", str(file), "--json").out, type=PrecisionReport)
    (own,) = [one for one in found.signals if one.alerts]
    assert (own.alerts, own.answered, own.held_out, own.proposal is None) == (409, 400, 9, False)


def test_what_a_replay_writes_is_read(tmp_path: Path) -> None:
    events = write_history(history(Size(3_000, 250, 180), 2), tmp_path / "events.jsonl")
    files = {name: tmp_path / f"{name}.jsonl" for name in ("alerts", "suppressed", "receipts", "outcomes")}
    (tmp_path / "mine.yaml").write_text("base: default\nexperiment: {holdout: 0.5}\n")
    own = ("--catalogue", str(tmp_path / "mine.yaml"))
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    summary = orjson.loads(run("replay", str(events), *options, *own, "--json").out)
    done = run("precision", *map(str, files.values()), *own, "--json")
    assert done.code == 0
    found = msgspec.json.decode(done.out, type=PrecisionReport)
    over = summary["experiment"]["holdout"]
    assert sum(one.held_out for one in found.signals) == sum(over.values()) > 0
    stayed = sum(one.observed.hits for one in found.signals if one.observed is not None)
    assert stayed == over.get("stayed_away", 0)


def test_what_is_no_such_record_is_said(tmp_path: Path) -> None:
    file = write(tmp_path / "all.jsonl", [alert(1), said(1, "kept")])
    file.write_bytes(file.read_bytes() + b'{"id": "e1"}\n[]\nnope\n')
    done = run("precision", str(file))
    assert done.code == 1
    assert "it has none of the fields revision, rule, command_id, came_back" in done.err
    assert done.err.count(f"{file}:") == 3
    assert run("precision").code == 2
    assert run("precision", str(file), "--live").code == 2
    away = run("precision", "--live", bootstrap="127.0.0.1:9")
    assert (away.code, away.out) == (2, "")


def test_a_file_without_alerts_is_told_and_where_they_come_from(tmp_path: Path) -> None:
    file = write(tmp_path / "none.jsonl", [])
    for more in ((), ("--json",)):
        done = run("precision", str(file), *more)
        assert done.code == 1
        assert "none.jsonl has no alert: `replay FILE --alerts" in done.err
