"""`churn-signals uplift`: what telling is worth as text, JSON and a page."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from models.uplift import uplift
from schemas.outcome import OutcomeV1, encode_outcome
from streams.report.encoding import indented
from streams.report.uplift import MadeFromOutcomes, UpliftReport, report_on
from streams.report.uplift_page import uplift_page
from support.experiments import counted
from support.html_page import check_coloured_by_the_page, check_stands_alone, parsed
from support.program import run

SECTIONS = ("signals", "words", "counts", "method")
OUTCOMES = [
    *counted((600, 950), (20, 50)),
    *counted((30, 90), (8, 10), first=2_000, signal="usage_drop"),
    *counted((45, 100), (5, 12), first=3_000, signal="dormant_high_value"),
    *counted((7, 9), (0, 0), first=4_000, signal="first_purchase_only"),
]


def write(path: Path, outcomes: list[OutcomeV1]) -> Path:
    path.write_bytes(b"".join(encode_outcome(one) + b"\n" for one in outcomes))
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("uplift") / "outcomes.jsonl", OUTCOMES)


@pytest.fixture(scope="module")
def report(file: Path) -> UpliftReport:
    page = file.parent / "uplift.html"
    done = run("uplift", str(file), "--json", "--html", str(page))
    assert (done.code, done.err) == (0, "")
    found = msgspec.json.decode(done.out, type=UpliftReport)
    assert uplift_page(found) == page.read_text()  # the JSON holds all that the page shows
    return found


def test_the_report_is_that_of_the_outcomes_and_of_the_signals_that_are_tried(report: UpliftReport) -> None:
    tried = {one.signal for one in report.uplift.signals} - {one.signal for one in OUTCOMES}
    assert tried >= {"onboarding_drop", "churn_risk"}
    assert report.uplift == uplift(OUTCOMES, tried)
    verdicts = {one.signal: one.verdict for one in report.uplift.signals}
    assert verdicts | {"loyal_gone_silent": "brings back", "usage_drop": "keeps away", "dormant_high_value": "unsure",
                       "first_purchase_only": "unknown", "onboarding_drop": "unknown"} == verdicts  # fmt: skip


def test_files_are_taken_together_packed_or_not_and_what_comes_again_counts_once(
    file: Path, report: UpliftReport, tmp_path: Path
) -> None:
    packed = tmp_path / "again.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    more = msgspec.json.decode(run("uplift", str(packed), str(file), "--json").out, type=UpliftReport)
    assert more.uplift.signals == report.uplift.signals
    assert more.uplift.repeated == len(OUTCOMES)


def test_text_says_each_signal_in_a_sentence_within_eighty_columns(file: Path, report: UpliftReport) -> None:
    done = run("uplift", str(file))
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    for one, says in zip(report.uplift.signals, report.says, strict=True):
        assert (f"{one.signal}: {says}" in words) == bool(one.treated.trials)
        assert one.signal in words
    assert "telling brings back +23 points" in words
    assert "nobody held out whose trial is over" in words


def test_page_stands_alone_and_has_every_section(report: UpliftReport) -> None:
    html = uplift_page(report)
    check_stands_alone(html)
    check_coloured_by_the_page(html)
    assert set(SECTIONS) <= set(parsed(html).ids)
    assert all(one.signal in html for one in report.uplift.signals)
    assert parsed(html).labels == ["Who came back by signal: told, held out, and the difference"]


def test_texts_are_escaped(report: UpliftReport) -> None:
    made = msgspec.structs.replace(report.made, files=("<script>alert(1)</script>",))
    assert "<script" not in uplift_page(msgspec.structs.replace(report, made=made))


def test_outcomes_of_nothing_still_make_a_page_and_say_so(tmp_path: Path) -> None:
    empty = report_on(MadeFromOutcomes((), 0, "0" * 16, "1"), uplift([]))
    html = uplift_page(empty)
    check_stands_alone(html)
    assert "Nothing is known yet" in html
    assert indented(empty)
    done = run("uplift", str(write(tmp_path / "none.jsonl", [])))
    assert (done.code, "No trial of an experiment is over" in done.out) == (1, True)
    assert "none.jsonl has no outcome of an experiment: `replay FILE --outcomes outcomes.jsonl` writes one" in done.err


def test_a_smaller_difference_takes_more_trials(file: Path) -> None:
    found = [
        msgspec.json.decode(run("uplift", str(file), "--json", "--smallest", points).out, type=UpliftReport)
        for points in ("2", "10")
    ]
    need = [next(one.for_smallest for one in of.uplift.signals if one.signal == "dormant_high_value") for of in found]
    assert need[0] is not None
    assert need[1] is not None
    assert (need[0].trials or 0) > 20 * (need[1].trials or 0) > 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "truncated"),
        (encode_outcome(OUTCOMES[0]).replace(b'"treated"', b'"placebo"'), "Invalid enum value 'placebo'"),
        (encode_outcome(OUTCOMES[0]).replace(b"2026-02-03T", b"20260203T"), "is no instant such as"),
        (encode_outcome(OUTCOMES[0]).replace(b"2026-02-03T", b"2026-02-31T"), "day"),
        (encode_outcome(OUTCOMES[0]).replace(b'horizon_days":60', b'horizon_days":-1'), "below 0 days"),
        (encode_outcome(OUTCOMES[0]).replace(b'"loyal', b'"<b>Loyal'), "is the id of no signal"),
        (b"\xff\xfe", "JSON is malformed"),
    ],
)
def test_a_line_that_is_no_outcome_is_said_and_the_others_count(tmp_path: Path, line: bytes, said: str) -> None:
    file = write(tmp_path / "o.jsonl", OUTCOMES[:5])
    file.write_bytes(file.read_bytes() + b"\n" + line + b"\n")
    done = run("uplift", str(file), "--json")
    assert done.code == 1
    assert f"{file}:7: no outcome of an experiment: " in done.err
    assert said in done.err
    found = msgspec.json.decode(done.out, type=UpliftReport)
    assert (found.uplift.trials, found.made.bad_lines) == (5, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give files of outcomes"),
        (("outcomes.jsonl", "--live"), "not both"),
        (("outcomes.jsonl", "--html", "outcomes.jsonl"), "is read by this command as well"),
        (("outcomes.jsonl", "--smallest", "0"), "0<x<100"),
        (("--live",), "no broker"),
    ],
)
def test_what_cannot_be_done_is_said(file: Path, arguments: tuple[str, ...], said: str) -> None:
    words = [str(file.parent / word) if "." in word else word for word in arguments]
    done = run("uplift", *words, bootstrap="127.0.0.1:9")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_catalogue_that_holds_nobody_out_is_said(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: default\nexperiment: off\n")
    done = run("uplift", str(file), "--catalogue", str(tmp_path / "mine.yaml"))
    assert done.code == 0
    assert "no new trials begin" in done.err
