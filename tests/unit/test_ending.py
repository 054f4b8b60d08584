"""Every error ends the program with a sentence and the exit code of its family; faults leave their trace in a file."""

from __future__ import annotations

import errno
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from streams.ending import run_to_end
from streams.errors import SetupError
from streams.logs import LineFormatter
from streams.text.plain import plain, plain_value


@pytest.fixture(autouse=True)
def hooks() -> Iterator[None]:
    """What a program sets for the whole process is put back."""
    kept = signal.getsignal(signal.SIGTERM), threading.excepthook, sys.unraisablehook
    yield
    signal.signal(signal.SIGTERM, kept[0])
    threading.excepthook, sys.unraisablehook = kept[1:]


def ended(error: BaseException) -> int:
    def run() -> object:
        raise error

    return run_to_end(run)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SetupError("thing", "value\x1b[2J\nmore", "remedy"), 2, "thing: value\\x1b[2J\\nmore. remedy"),
        (OSError(errno.EACCES, "Permission denied", "/a/[/b]"), 2, "/a/[/b]: Permission denied. Check"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", b"/odd\xff"), 2, "/odd\\udcff: Is a directory"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "standard output: cannot be written: No space left"),
        (TimeoutError("too long"), 2, "the system: too long"),
        (MemoryError(), 2, "memory: there is not enough"),
        (KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)), 2, "Kafka: "),
        (click.UsageError("no \x1b[2J"), 2, "Error: no \\x1b[2J"),
        (click.Abort(), 1, "stopped, nothing was done"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (SystemExit(3), 3, ""),
    ],
)
def test_each_family_has_its_sentence_and_code(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert bool(err) == bool(told)
    assert "Traceback" not in err


def test_an_exit_code_is_kept_and_nothing_is_done() -> None:
    assert [run_to_end(lambda: 70), run_to_end(lambda: None), run_to_end(lambda: "text")] == [70, 0, 0]


def test_a_fault_names_its_place_and_keeps_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_to_end(lambda: plain(None)) == 1  # type: ignore[arg-type]  # the fault
    err = capsys.readouterr().err
    assert re.search(r"a fault in the program: AttributeError: .* \(streams/text/plain.py:\d+\)", err)
    assert len(err.splitlines()) == 1
    (trace,) = tmp_path.iterdir()
    assert str(trace) in err
    assert "Traceback" in trace.read_text()


def test_a_fault_is_told_where_no_file_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert ended(ZeroDivisionError("x\ny")) == 1
    assert capsys.readouterr().err.startswith("churn-signals: a fault in the program: ZeroDivisionError: x\\ny")


def test_a_thread_that_fails_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()

    assert run_to_end(run) == 0
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err


TEXTS = st.text(st.characters() | st.sampled_from("\x1b\n\r\u202e%{}"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
def test_a_record_of_the_log_is_one_line_whatever_is_in_it(message: str, value: str) -> None:
    for args in ((), (value,)):
        for error in (None, ValueError(value)):
            about = None if error is None else (type(error), error, None)
            record = logging.LogRecord("churn", logging.INFO, "x.py", 1, message, args, about)
            line = LineFormatter(shows_traces=False).format(record)
            assert plain(line) == line


def test_a_trace_follows_in_a_verbose_log() -> None:
    try:
        plain(None)  # type: ignore[arg-type]  # the error that is logged
    except AttributeError as error:
        about = (type(error), error, error.__traceback__)
        record = logging.LogRecord("churn", logging.ERROR, "x.py", 1, "while trying", (), about)
    short, long = (LineFormatter(shows_traces=verbose).format(record) for verbose in (False, True))
    assert re.search(r"while trying: AttributeError: .* \(streams/text/plain.py:\d+\)$", short)
    assert "Traceback" in long


def test_a_page_escapes_texts_and_shows_what_cannot_be_seen() -> None:
    from streams.report.page import _environment

    shown = _environment().from_string("{{ text }}|{{ plot }}|{{ number }}")
    page = shown.render(text="<script>\x1b\u202e", plot=Markup("<svg>"), number=3)
    assert page == "&lt;script&gt;\\x1b\\u202e|<svg>|3"
    assert plain_value(3) == 3
