"""Files of what was published: whatever stands in them is read, or said to be no such record."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from models.precision import Evidence
from models.uplift import uplift
from schemas.alert import encode_alert
from schemas.outcome import encode_outcome
from schemas.receipt import encode_receipt
from schemas.suppressed import encode_suppressed
from streams.files.published import outcome_of, read_published, record_of
from streams.report.table import terminal_table
from streams.report.uplift import MadeFromOutcomes, report_on, rows
from streams.report.uplift_text import print_report
from streams.text.terminal import terminal
from support.experiments import counted, outcome
from unit.test_precision import alert, held, said

WHOLE = [
    encode_outcome(outcome(1, "holdout", came_back=True)), encode_alert(alert(2)), encode_suppressed(held(3)),
    encode_receipt(said(2, "kept")),
]  # fmt: skip
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
INSTANTS = st.sampled_from(
    (
        "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-W05-1T0Z",
        "2026-02-03T00:00:00", "2026-02-03T24:00:00Z", "0001-01-01T00:00:00+23:59",
    )
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A record of which a field is something else, or is not there."""
    fields: dict[str, Any] = msgspec.json.decode(draw(st.sampled_from(WHOLE)))
    name = draw(st.sampled_from(sorted(fields)))
    if draw(st.booleans()):
        fields[name] = draw(VALUES | INSTANTS)
    else:
        del fields[name]
    return msgspec.json.encode(fields)


@given(st.lists(damaged() | st.binary(max_size=40).filter(lambda line: b"\n" not in line) | st.sampled_from(WHOLE)))
def test_every_line_is_a_record_or_is_told_and_what_is_read_can_be_judged(lines: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "records.jsonl"
        file.write_bytes(b"{}\n" + b"\n".join(lines))  # the first line keeps it from being taken for a packed file
        outcomes, records = read_published([file], "outcome", outcome_of), read_published([file], "record", record_of)
    count = 1 + sum(bool(line.strip()) for line in lines)
    for read, bad, sentences in (
        (len(outcomes.records), len(outcomes.bad), outcomes.sentences()),
        (len(records.records), len(records.bad), records.sentences()),
    ):
        assert read + bad == count
        assert len(sentences) == min(bad, 6)
    report = report_on(MadeFromOutcomes((), 0, "", ""), uplift(outcomes.records))
    assert len(rows(report)) == len(report.says)
    print_report(terminal(), report)
    evidence = Evidence()
    for one in records.records:
        evidence.add(one)
    assert sum(one.answered for one in evidence.judged({})) <= len(records.records)


def test_a_record_is_known_by_its_fields() -> None:
    assert [type(record_of(line)).__name__ for line in WHOLE] == ["OutcomeV1", "AlertV1", "SuppressedV1", "ReceiptV1"]


def test_names_are_folded_before_numbers_are_cut_off() -> None:
    table = terminal_table("signal", "told", no_wrap=True)
    table.add_row("a" * 64, "1,234,567")
    console = terminal(width=40)
    with console.capture() as shown:
        console.print(table)
    text = shown.get()
    assert "1,234,567" in text
    assert text.replace("signal", "").count("a") == 64


def test_the_longest_names_of_signals_fit_the_terminal() -> None:
    report = report_on(MadeFromOutcomes((), 0, "", ""), uplift(counted((600, 950), (20, 50), signal="a" * 64)))
    console = terminal(width=80)
    with console.capture() as shown:
        print_report(console, report)
    assert max(map(len, shown.get().splitlines())) <= 80
    assert "brings back" in shown.get()
