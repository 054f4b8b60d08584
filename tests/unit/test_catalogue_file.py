"""A catalogue in a file: every mistake with its line, and nothing that stands in it is ignored or made into another."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.reader import CatalogueError
from streams.errors import SetupError
from streams.files.catalogue_file import BadCatalogueError, default_text, load_rules, notes_on, rules_of
from streams.settings import Settings
from support.program import ROOT, environment, run
from support.troubled import catalogue


def told(text: str) -> list[str]:
    with pytest.raises(BadCatalogueError) as caught:
        rules_of(text, Settings())
    return list(map(str, caught.value.mistakes))


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            "base: default\nsignals:\n  usage_dorp: {owner: Me}\n",
            "line 3: signals.usage_dorp: is no signal of the base. Did you mean usage_drop?",
        ),
        (
            "base: default\nsignals:\n  usage_drop: off\n  usage_dorp: off\n",
            "line 4: signals.usage_dorp: drops nothing: the base has no such signal. Did you mean usage_drop?",
        ),
        ("base: none\n", "line 1: base: must be default or left out, not 'none'"),
        ("- base\n", "line 1: a catalogue is a mapping of keys, not ['base']"),
        ("base: default\ncurency: EUR\n", "line 2: curency: is not a key here. Did you mean currency?"),
        (
            "base: default\ndefaults:\n  cooldown_days: no\n",
            "line 3: defaults.cooldown_days: must be a number of at least 0 and at most 36,500, not 'no'",
        ),
        (
            "base: default\nsignals:\n  usage_drop:\n    inhibited_by_outage: no\n",
            "line 4: signals.usage_drop.inhibited_by_outage: must be true or false, not 'no'",
        ),
        (
            "base: default\nconstants:\n  high_spend: 0300\n",
            "line 3: constants.high_spend: must be a number of at least -1e+12, not '0300': write it",
        ),
    ],
)
def test_a_mistake_has_its_line_once(text: str, mistakes: str) -> None:
    (first, *_) = found = told(text)
    assert first.startswith(mistakes)
    assert len({mistake.split(":")[0] for mistake in found}) == 1


def test_a_currency_of_one_s_own_takes_no_rates_of_the_product() -> None:
    rules = rules_of("{base: default, currency: EUR, rates: {EUR: 1.0}}", Settings())
    assert (rules.basis.currency, rules.basis.rates) == ("EUR", {"EUR": 1.0})
    rules = rules_of("{base: default, rates: {EUR: 1.1}}", Settings())
    assert rules.basis.rates == {"USD": 1.0, "EUR": 1.1}


def test_amounts_of_the_product_are_noted_when_the_currency_is_another(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: default\ncurrency: JPY\nrates: {JPY: 1}\nvalue: {basket: 7000}\n")
    assert notes_on(file) == ["constants.high_spend is still 300, now in JPY: put in your own"]
    file.write_text("base: default\nfeeds: [purchase]\n")
    assert notes_on(file) == []


def test_words_that_other_readers_take_for_something_else_stay_texts() -> None:
    text = "base: default\nsignals:\n  usage_drop: {owner: No, intervention: 12:30}\n"
    by_id = {signal.id: signal for signal in rules_of(text, Settings()).signals}
    assert (by_id["usage_drop"].owner, by_id["usage_drop"].intervention) == ("No", "12:30")


@pytest.mark.parametrize("written", ["off", "false", "null"])
def test_a_signal_and_the_model_are_switched_off_as_documented(written: str) -> None:
    rules = rules_of(f"base: default\nmodel: {written}\nsignals:\n  usage_drop: {written}\n", Settings())
    assert rules.basis.learning is None
    assert "usage_drop" not in {signal.id for signal in rules.signals}
    assert rules.hash == rules_of("{base: default, model: off, signals: {usage_drop: off}}", Settings()).hash or (
        written == "null"
    )


def test_the_error_names_the_file_and_survives_pickle(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: default\nbasse: 1\nsignal: 2\n")
    with pytest.raises(BadCatalogueError) as caught:
        load_rules(Settings(catalogue=file))
    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert str(error) == str(caught.value)
    assert f"{file}, line 2: basse: is not a key here" in str(error)
    assert "(and 1 more)" in str(error)
    assert f"churn-signals catalogue check {file}" in error.remedy


def test_files_that_cannot_be_read_are_told_in_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path("/dev/null")):
        with pytest.raises(SetupError) as caught:
            load_rules(Settings(catalogue=path))
        assert str(path) in str(caught.value)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"base: default\nsignals: {usage_drop: {owner: Caf\xe9}}\n")
    with pytest.raises(BadCatalogueError, match="line 2: the byte 0xe9 is not UTF-8"):
        load_rules(Settings(catalogue=latin))


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_files_are_utf_8_whatever_the_locale_says(locale: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: default\nsignals: {usage_drop: {owner: Café}}\n", "utf-8")
    command = [sys.executable, "-m", "streams", "catalogue"]
    ours = environment({}) | locale
    checked = subprocess.run(
        [*command, "check", str(file)], cwd=ROOT, env=ours, capture_output=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
    shown = subprocess.run([*command, "show"], cwd=ROOT, env=ours, capture_output=True, timeout=60, check=True)
    assert shown.stdout.decode() == default_text()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in places(below, (*path, key)))]


PLACES = places(catalogue())[1:]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 0.25, 1e14, 10**14, 1e300, float("inf"), float("nan"), "", "no", "12:30", "0,92", [], {},
     [[]], {"a": {}}, "x" * 3000, "{", "[a]", "\x1b", "((((", 7, "2026-01-05"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), ODD, st.sampled_from(["beside", "instead"]))
def test_any_value_at_any_place_is_taken_or_refused_with_its_place(
    place: tuple[Any, ...], odd: Any, where: str
) -> None:
    changed = catalogue()
    below = changed
    for key in place[:-1]:
        below = below[key]
    if where == "beside" and isinstance(below, dict):
        below[str(odd)] = odd
    else:
        below[place[-1]] = odd
    found = []
    try:
        build_rules(changed)
    except CatalogueError as error:
        found = error.mistakes
    assert all(0 < len(mistake.reason) < 2_000 for mistake in found)


def test_every_catalogue_that_is_shipped_is_valid() -> None:
    files = [*(ROOT / "deploy/catalogues").glob("*.yaml"), *(ROOT / "tests/data/catalogues").glob("*.yaml")]
    assert len(files) >= 4
    for file in files:
        assert load_rules(Settings(catalogue=file)).signals


def test_the_reader_agrees_with_another_on_the_catalogue_in_the_product() -> None:
    assert rules_of(default_text(), Settings()).hash == build_rules(yaml.safe_load(default_text())).hash


def test_owners_of_the_file_who_have_nothing_to_answer_are_noted(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    own = "{Retnetion: {people: 3}, Support: {escalate_to: Chief}, Chief: {people: 2}, Product: off}"
    file.write_text(f"base: default\nowners: {own}\nsignals: {{usage_drop: off}}\n")
    told = run("catalogue", "check", str(file))
    assert told.code == 0
    note = "no signal has this owner, and nothing is escalated to them. Did you mean Retention?"
    found = [line for line in told.out.splitlines() if "owners." in line]
    assert found == [f"{file}: note: owners.Retnetion: {note}"]
