"""`churn-signals backtest`: what it writes, that it is the same each time, and what it says to a wrong question."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import orjson
import pytest

from streams.report.backtest_page import page
from support.builders import line, login
from support.cdnow import some_of_cdnow
from support.histories import write_history
from support.html_page import Page
from support.program import Outcome, run
from support.shop import shop, whole

ASKED = ("--horizon-days", "28", "--risk-set-days", "60")
DAYS = ("--step-days", "5", "--first-snapshot", "2024-10-25", "--evaluate-from", "2024-12-13")
"""The days of `support.shop.whole`."""

SECTIONS = ("models", "honest", "ranking", "early", "time", "why", "value", "method")
FIGURES = ("reliability", "ranking", "budgets", "time", "weights", "drivers")


def backtest(folder: Path, *more: str, name: str = "shop.jsonl") -> tuple[Outcome, bytes, bytes, str]:
    """Run it over a file of a folder; (outcome, predictions, report, page)."""
    html = folder / f"{name}.html"
    done, predictions, report = numbers(folder, "--html", str(html), *more, name=name)
    return done, predictions, report, html.read_text()


def numbers(folder: Path, *more: str, name: str) -> tuple[Outcome, bytes, bytes]:
    """The same without a page, which takes as long to draw as the rest."""
    outs = [folder / f"{name}.{kind}" for kind in ("csv", "json")]
    options = ("--predictions", str(outs[0]), "--report", str(outs[1]))
    done = run("backtest", str(folder / name), *ASKED, *options, *more)
    assert done.code == 0, done.err
    return done, outs[0].read_bytes(), outs[1].read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("backtest")
    write_history(shop(), made / "shop.jsonl")
    return made


@pytest.fixture(scope="module")
def written(folder: Path) -> tuple[Outcome, bytes, bytes, str]:
    return backtest(folder, *DAYS)


def test_predictions_are_those_of_the_run_in_the_stated_form(written: tuple[Outcome, bytes, bytes, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(written[1].decode())))
    expected = [
        (whole().customers[place], frame.snapshot, chance)
        for frame in whole().frames.values()
        for place, chance in zip(frame.customers.tolist(), frame.chance.tolist(), strict=True)
    ]
    assert list(rows[0]) == ["customer_id", "snapshot_time", "probability"]
    assert rows[0]["snapshot_time"] == "2024-10-25T00:00:00Z"
    assert [row["customer_id"] for row in rows] == [customer_id for customer_id, _, _ in expected]
    assert [float(row["probability"]) for row in rows] == pytest.approx([each for _, _, each in expected], abs=1e-9)


def test_the_same_lines_in_another_order_give_the_same_bytes(
    folder: Path, written: tuple[Outcome, bytes, bytes, str]
) -> None:
    shuffled = list(shop())
    random.Random(4).shuffle(shuffled)
    write_history(shuffled, folder / "shuffled.jsonl")
    _, predictions, report = numbers(folder, *DAYS, name="shuffled.jsonl")
    assert predictions == written[1]
    assert report == written[2].replace(b"shop.jsonl", b"shuffled.jsonl")


def test_the_terminal_tells_what_the_report_holds(written: tuple[Outcome, bytes, bytes, str]) -> None:
    out, report = written[0].out, orjson.loads(written[2])
    assert "committee (the model)" in out
    ours = report["models"][0]
    assert f"{ours['log_loss']:.4f}" in out
    assert report["data"]["events"] == len(shop())
    assert report["question"]["first_snapshot"] == "2024-10-25"
    assert [each["share"] for each in report["budgets"]] == [0.01, 0.02, 0.05, 0.1, 0.2]


def test_the_page_is_whole_explains_itself_and_asks_for_nothing(written: tuple[Outcome, bytes, bytes, str]) -> None:
    html, found = written[3], Page()
    found.feed(html)
    assert found.opened == []
    assert set(SECTIONS) <= set(found.ids)
    assert {f"#{name}" for name in SECTIONS} <= set(found.links)
    assert len(found.ids) == len(set(found.ids))
    assert found.tags & {"script", "link", "img", "iframe"} == set()
    assert found.others == []
    assert "://" not in html
    assert {element.partition("-")[0] for element in found.ids if element.endswith("figure_1")} == set(FIGURES)
    assert "churn-signals backtest shop.jsonl --horizon-days 28 --risk-set-days 60 --step-days 5" in html


def test_a_page_escapes_names_and_is_drawn_from_the_report_alone_in_any_process(
    written: tuple[Outcome, bytes, bytes, str],
) -> None:
    report = orjson.loads(written[2])
    assert page(report) == written[3]
    report["data"]["files"] = ["<script>alert(1)</script>"]
    assert "<script" not in page(report)


def test_a_history_too_short_to_judge_still_has_a_page_that_says_so(folder: Path) -> None:
    write_history(
        [event for event in shop() if event.time_ms < shop()[0].time_ms + 25 * 86_400_000], folder / "short.jsonl"
    )
    done, predictions, report, html = backtest(folder, name="short.jsonl")
    assert "Nothing to judge" in done.out
    assert "Nothing could be judged" in html
    assert orjson.loads(report)["models"] == []
    assert predictions.count(b"\n") > 1


def test_an_unknown_currency_is_counted_as_its_own(folder: Path) -> None:
    content = b"".join(line(event).replace(b'"USD"', b'"SEK"') + b"\n" for event in shop())
    (folder / "sek.jsonl").write_bytes(content)
    _, predictions, report = numbers(folder, *DAYS, name="sek.jsonl")
    data = orjson.loads(report)["data"]
    assert (data["currency"], data["amounts_without_rate"]) == ("SEK", 0)
    assert predictions == (folder / "shop.jsonl.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--compare", "prophet"), "Known are lightgbm, bgnbd"),
        (("--first-snapshot", "2031-01-01"), "within the history"),
        (("--horizon-days", "1"), "4<=x<=365"),
        (("--evaluate-from", "soon"), "soon"),
    ],
)
def test_a_wrong_question_is_explained(folder: Path, options: tuple[str, ...], says: str) -> None:
    done = run("backtest", str(folder / "shop.jsonl"), *ASKED, *options)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_history_without_purchases_is_refused(folder: Path) -> None:
    write_history([login()], folder / "logins.jsonl")
    done = run("backtest", str(folder / "logins.jsonl"), *ASKED)
    assert done.code == 2
    assert "hold no purchase" in done.err


def test_an_eighth_of_cdnow_is_foretold_better_than_by_any_baseline(tmp_path: Path) -> None:
    """Real history that everybody has who ran `make install`: one customer in eight."""
    done = run(
        "backtest", str(some_of_cdnow(8, tmp_path)), "--horizon-days", "90", "--risk-set-days", "180",
        "--step-days", "14", "--first-snapshot", "1997-01-13", "--evaluate-from", "1997-07-07", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    report = orjson.loads(done.out)
    losses = {each["model"]: each["log_loss"] for each in report["models"]}
    ours = losses["committee"]
    assert all(ours < losses[name] for name in ("base_rate", "recency", "recency_frequency_value"))
    assert ours < 0.54
    estimates = {each["estimate"]: each["mean_absolute_error"] for each in report["value"]["estimates"]}
    assert estimates["expected"] == min(estimates.values())
