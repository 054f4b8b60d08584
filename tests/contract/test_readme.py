"""What the README says is true: names, defaults and examples."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.codec import decode_line
from schemas.topics import topic_table
from streams.__main__ import COMMANDS
from streams.catalogue_file import load_rules, rules_of
from streams.history import read_history
from streams.settings import Settings, variable_of
from streams.tables import load_mapping
from support.idle import pages
from support.troubled import default_rules

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_setting_is_named_with_its_default() -> None:
    settings = Settings()
    for name in Settings.kinds():
        row = re.search(rf"^\| `{variable_of(name)}` \| (.*?) \|", README, re.MULTILINE)
        assert row is not None, name
        default = getattr(settings, name)
        if default is not None and name != "session_timeout_s":
            assert row[1] == f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_metric_is_named() -> None:
    names = set(re.findall(r"^# TYPE (\S+)", pages(), re.MULTILINE))
    assert len(names) > 15
    assert {name for name in names if f"`{name}`" not in README} == set()


def test_every_metric_the_readme_names_exists() -> None:
    page = pages()
    named = set(re.findall(r"`(churn_[a-z_]+)", README)) - {signal.id for signal in default_rules().signals}
    assert {name for name in named if f"# TYPE {name} " not in page} == set()


def test_every_command_and_topic_is_named() -> None:
    assert {name for name in COMMANDS if f"`{name}" not in README} == set()
    suffixes = {spec.name.removeprefix("churn") for spec in topic_table()}
    assert {
        suffix for suffix in suffixes if f"churn{suffix}`" not in README and f"`{_last(suffix)}`" not in README
    } == set()


def _last(suffix: str) -> str:
    return "." + suffix.rpartition(".")[2]


def test_every_signal_of_the_default_catalogue_is_in_the_table() -> None:
    for signal in load_rules(Settings()).signals:
        row = re.search(rf"^\| `{signal.id}` \|.*$", README, re.MULTILINE)
        assert row is not None, signal.id
        _, _, severity, owner, _ = (cell.strip() for cell in row[0].strip("|").split(" | "))
        assert (severity, owner) == (signal.severity, signal.owner)


def test_the_signal_in_the_readme_is_a_valid_catalogue() -> None:
    rules = rules_of(_example("refund_wave"), Settings())
    assert "refund_wave" in {signal.id for signal in rules.signals}


def _example(word: str) -> str:
    """The YAML in the README that has this word."""
    (example,) = (text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if word in text)
    return str(example)


def test_the_orders_in_the_readme_become_purchases_that_count(tmp_path: Path) -> None:
    rows = re.search(r"```\n(order;.*?)```", README, re.DOTALL)
    assert rows is not None
    orders, shop = tmp_path / "orders.csv", tmp_path / "shop.yaml"
    orders.write_text(rows[1])
    shop.write_text(_example("source: shop"))
    history = read_history([orders], load_mapping(str(shop)))
    assert (len(history.events), history.bad) == (1, [])
    rules = rules_of(_example("currency: EUR"), Settings())
    assert history.without_rate(rules.basis.rates) == history.without_events(rules.basis.feeds) == []


def test_the_event_in_the_readme_keeps_the_contract() -> None:
    example = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert example is not None
    event = decode_line(example[1].replace("\n", " ").encode())
    assert (event.customer_id, event.feed) == ("c-42", 0)


def test_every_make_target_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)", README))
    assert named <= targets
    assert named


def test_nothing_is_left_to_be_filled_in() -> None:
    assert re.findall(r"^[A-Z_]{4,}$|TODO|TBD", README, re.MULTILINE) == []
