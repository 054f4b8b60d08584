"""Hit rates kept in a file, named by a catalogue, told beside alerts, and asked for by signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.hit_rates import HitRate
from models.catalogue.reader import CatalogueError, Mistake
from streams.console.alert_list import AlertList, print_list
from streams.console.alert_text import came_true_text
from streams.console.cases import sections
from streams.files.catalogue_file import BadCatalogueError, load_rules
from streams.report.hits import HitReport, encode_kept
from streams.settings import Settings
from streams.text.terminal import terminal
from support.histories import Size, history, write_history
from support.program import run
from support.troubled import catalogue
from unit.test_precision import alert

RATES: dict[str, Any] = {
    "horizon_days": 60,
    "comes_back_by": "purchase",
    "until": "2026-05-01",
    "signals": {
        "loyal_gone_silent": {"share": 0.62, "low": 0.58, "high": 0.66, "alerts": 500},
        "reactivated": {"share": 0.4, "low": 0.3, "high": 0.5, "alerts": 90},
        "gone_from_the_catalogue": {"share": 0.5, "low": 0.5, "high": 0.5, "alerts": 30},
    },
}


def own(folder: Path, text: str = "base: default\nhit_rates: rates.json\n") -> Settings:
    (folder / "mine.yaml").write_text(text)
    return Settings().replace(catalogue=folder / "mine.yaml")


def test_a_catalogue_names_a_file_beside_it_and_knows_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "rates.json").write_bytes(orjson.dumps(RATES))
    rules = load_rules(own(tmp_path))
    assert rules.hit_rate_of("loyal_gone_silent") == HitRate(0.62, 0.58, 0.66)
    assert rules.hit_rate_of("usage_drop") is None
    assert rules.hit_rates.horizon_days == 60
    assert load_rules(Settings()).hit_rate_of("loyal_gone_silent") is None
    checked = run("catalogue", "check", str(tmp_path / "mine.yaml"))
    assert checked.code == 0
    assert "hit rates of 2 signals, until 2026-05-01; of no signal here: gone_from_the_catalogue" in checked.out
    before = rules.hash
    (tmp_path / "rates.json").write_bytes(orjson.dumps(RATES | {"horizon_days": 61}))
    assert load_rules(own(tmp_path)).hash != before, "the hash is of what the file says"
    assert load_rules(own(tmp_path, "base: default\nhit_rates: off\n")).hit_rates.by_signal == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizon_days": 0}, "horizon_days: must be a number of at least 1"),
        ({"comes_back_by": "magic"}, "comes_back_by: must be one of purchase, activity"),
        ({"until": None}, "hit_rates.until"),
        ({"more": 1}, "hit_rates.more: is not a key here"),
        ({"signals": {"a": {"share": 0.2, "low": 0.3, "high": 0.4}}}, "must lie between low and high"),
        ({"signals": {"a": {"share": 2, "low": 0.3, "high": 0.4}}}, "share: must be a number of at least 0"),
        ({"signals": {"a": 0.5}}, "hit_rates.signals.a: must be a mapping"),
        ({"signals": []}, "hit_rates.signals: must be a mapping"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_at_the_line_that_names_it(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    (tmp_path / "rates.json").write_bytes(orjson.dumps(RATES | change))
    with pytest.raises(BadCatalogueError) as error:
        load_rules(own(tmp_path))
    assert {one.line for one in error.value.mistakes} == {2}
    assert any(said in str(one) for one in error.value.mistakes), error.value.mistakes


@pytest.mark.parametrize("content", [None, b"{", b"[1]", b"\xff\xfe", b"a: 1\na: 2\n"])
def test_a_file_that_cannot_be_read_is_a_mistake_of_the_catalogue(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "rates.json").write_bytes(content)
    with pytest.raises(BadCatalogueError, match=r"hit_rates"):
        load_rules(own(tmp_path))
    checked = run("catalogue", "check", str(tmp_path / "mine.yaml"))
    assert (checked.code, ":2: hit_rates" in checked.out) == (1, True)


KEYS = st.sampled_from(("signals", "horizon_days", "until", "share", "low", "high", "usage_drop"))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@given(ANYTHING)
def test_whatever_stands_there_is_read_or_refused(value: Any) -> None:
    found, wrong = list[HitRate](), list[Mistake]()
    try:
        found = [*build_rules(catalogue() | {"hit_rates": value}).hit_rates.by_signal.values()]
    except CatalogueError as error:
        wrong = error.mistakes
    assert all(one.path[0] == "hit_rates" for one in wrong)
    assert all(0 <= low <= share <= high <= 1 for share, low, high in found)


def test_they_are_told_beside_alerts_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rates.json").write_bytes(orjson.dumps(RATES))
    rules = load_rules(own(tmp_path))
    told = came_true_text(rules, "loyal_gone_silent")
    assert told == (
        "of 100 such customers 62 no longer bought within 60 days though nobody called (58 to 66; until 2026-05-01)"
    )
    good = came_true_text(rules, "reactivated")
    assert good is not None
    assert good.startswith("of 100 such customers 40 bought within 60 days")
    assert came_true_text(rules, "usage_drop") is None
    found = [
        alert(1, due_at="2026-05-02T00:00:00Z", starts_at="2026-05-01T00:00:00Z", observed_at="2026-05-01T00:00:00Z")
    ]
    for known in (rules, None):
        shown = AlertList(sections(found), "UTC", 0, None, known)
        print_list(terminal(), shown, limit=None, everything=False, explain=True)
        assert ("of 100 such customers 62" in capsys.readouterr().out) == (known is not None)


def test_signals_keeps_what_a_catalogue_reads(tmp_path: Path) -> None:
    events = write_history(history(Size(3_000, 250, 180), 2), tmp_path / "events.jsonl")
    kept = tmp_path / "rates.json"
    done = run("signals", str(events), "--horizon-days", "30", "--json", "--keep", str(kept))
    assert done.code == 0
    report = msgspec.json.decode(done.out, type=HitReport)
    assert encode_kept(report) == kept.read_bytes()
    rules = load_rules(own(tmp_path))
    known = {one.signal: one for one in report.rates.signals}
    assert rules.hit_rates.by_signal
    for name, (share, low, high) in rules.hit_rates.by_signal.items():
        back = known[name].came_back
        assert back is not None
        assert known[name].customers >= 20
        assert share == pytest.approx(1 - back.share if known[name].polarity == "negative" else back.share)
        assert low <= share <= high
    few = {name for name, one in known.items() if one.verdict in ("no alerts", "too few", "not judged")}
    assert few & rules.hit_rates.by_signal.keys() == set()
    refused = run("signals", str(events), "--keep", str(events))
    assert (refused.code, "is read by this command as well" in refused.err) == (2, True)
