"""What the documents say is true: names, defaults, tables, examples and links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
import msgspec
import pytest

from models.measures.daily import DAILY
from models.measures.scalars import SCALARS
from schemas.alert import AlertV1
from schemas.codec import decode_line
from schemas.errors import REASONS
from schemas.topics import topic_table
from streams import errors
from streams.__main__ import COMMANDS
from streams.files.catalogue_file import load_rules, rules_of
from streams.files.history import read_history
from streams.files.mapping_file import load_mapping
from streams.settings import Settings, variable_of
from support.documents import TABLES, documents, filled, tables_in, text_of
from support.idle import pages
from support.program import ROOT
from support.troubled import default_rules

README: Final = text_of("README.md")
SCHEMAS: Final = text_of("schemas/README.md")
MODELS: Final = text_of("models/README.md")
STREAMS: Final = text_of("streams/README.md")
EVERYTHING: Final = "\n".join(path.read_text() for path in documents())
MOST_LINES: Final = 200

EACH: Final = pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))


# -- the reference is complete


def test_every_setting_is_named_with_its_default() -> None:
    settings = Settings()
    for name in Settings.kinds():
        row = re.search(rf"^\| `{variable_of(name)}` \| (.*?) \|", STREAMS, re.MULTILINE)
        assert row is not None, name
        default = getattr(settings, name)
        if default is not None and name != "session_timeout_s":
            assert row[1] == f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_metric_is_named() -> None:
    names = set(re.findall(r"^# TYPE (\S+)", pages(), re.MULTILINE))
    assert len(names) > 15
    assert {name for name in names if f"`{name}`" not in STREAMS} == set()


@EACH
def test_every_metric_the_documents_name_exists(path: Path) -> None:
    page, text = pages(), re.sub(r"^### Removed\n.*?(?=^##|\Z)", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`(churn_[a-z_]+)", text)) - {signal.id for signal in default_rules().signals}
    assert {name for name in named if f"# TYPE {name} " not in page} == set()


@EACH
def test_every_setting_the_documents_name_exists(path: Path) -> None:
    known = {variable_of(name) for name in Settings.kinds()}
    assert set(re.findall(r"\bCHURN_[A-Z_]+[A-Z]", path.read_text())) <= known


def test_every_command_and_topic_is_named() -> None:
    assert {name for name in COMMANDS if f"`{name}`" not in STREAMS} == set()
    assert {spec.name for spec in topic_table() if f"| `{spec.name}` |" not in SCHEMAS} == set()


def test_every_exit_code_is_explained() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    explained = re.findall(r"^\| (\d+) \| ", STREAMS, re.MULTILINE)
    assert sorted(map(int, explained)) == sorted(codes)


def test_every_field_of_an_alert_and_every_reason_of_a_dead_letter_is_explained() -> None:
    cells = re.findall(r"^\| (`.*?) \|", SCHEMAS, re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert {field.name for field in msgspec.structs.fields(AlertV1)} - explained == set()
    assert set(REASONS) - explained == set()


def test_every_measure_is_in_the_table() -> None:
    assert {name for name in {*DAILY, *SCALARS} if f"\n| `{name}` |" not in MODELS} == set()


def test_every_signal_of_the_default_catalogue_is_in_the_table() -> None:
    section = MODELS.partition("\n## Signals\n")[2]
    for signal in load_rules(Settings()).signals:
        row = re.search(rf"^\| `{signal.id}` \|.*$", section, re.MULTILINE)
        assert row is not None, signal.id
        _, _, severity, owner, _ = (cell.strip() for cell in row[0].strip("|").split(" | "))
        assert (severity, owner) == (signal.severity, signal.owner)


def test_every_room_of_the_product_is_described() -> None:
    for package, text in (("models", MODELS), ("streams", STREAMS)):
        rooms = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert rooms
        assert {room for room in rooms if f"]({room})" not in text} == set()


# -- the tables are as the code has them


@EACH
def test_tables_are_as_the_code_has_them(path: Path) -> None:
    text = path.read_text()
    assert filled(text) == text, "run: make tables"


def test_every_table_stands_in_one_document() -> None:
    placed = [name for path in documents() for name in tables_in(path.read_text())]
    assert sorted(placed) == sorted(TABLES)


# -- examples


def test_the_signal_in_the_documents_is_a_valid_catalogue() -> None:
    rules = rules_of(_example(MODELS, "refund_wave"), Settings())
    assert "refund_wave" in {signal.id for signal in rules.signals}


def _example(text: str, word: str) -> str:
    """The YAML that has this word."""
    (example,) = (found for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if word in found)
    return str(example)


def test_the_orders_in_the_readme_become_purchases_that_count(tmp_path: Path) -> None:
    rows = re.search(r"```\n(order;.*?)```", README, re.DOTALL)
    assert rows is not None
    orders, shop = tmp_path / "orders.csv", tmp_path / "shop.yaml"
    orders.write_text(rows[1])
    shop.write_text(_example(README, "source: shop"))
    history = read_history([orders], load_mapping(str(shop)))
    assert (len(history.events), history.bad) == (1, [])
    rules = rules_of(_example(README, "currency: EUR"), Settings())
    assert history.without_rate(rules.basis.rates) == history.without_events(rules.basis.feeds) == []


def test_the_event_in_the_documents_keeps_the_contract() -> None:
    example = re.search(r"```json\n(.*?)```", SCHEMAS, re.DOTALL)
    assert example is not None
    event = decode_line(example[1].replace("\n", " ").encode())
    assert (event.customer_id, event.feed) == ("c-42", 0)


# -- what is named exists


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", EVERYTHING, re.MULTILINE))
    assert named <= targets
    assert {"demo", "up", "test", "check"} <= named


def test_every_command_the_documents_give_exists() -> None:
    given = set(re.findall(r"churn-signals ([a-z][a-z-]+)(?=[ `\n])", EVERYTHING))
    assert {name for name in given if name not in COMMANDS} <= {"runs", "is"}  # the program as a subject
    assert len(given) > 10


@EACH
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file.read_text()), target


def _anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH
def test_every_file_of_ours_that_the_documents_name_exists(path: Path) -> None:
    named = set(re.findall(r"`((?:deploy|models|schemas|streams|tests)/[\w./-]+)`", path.read_text()))
    made = {"deploy/secrets", "deploy/prometheus/token"}
    assert {name for name in named - made if not (ROOT / name).exists()} == set()


def test_the_first_page_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


@EACH
def test_nothing_is_left_to_be_filled_in(path: Path) -> None:
    assert re.findall(r"^[A-Z_]{4,}$|TODO|TBD", path.read_text(), re.MULTILINE) == []


def test_the_commands_below_a_command_are_named() -> None:
    table = STREAMS.partition("<!-- table: commands -->")[2]
    for name in ("topics", "model", "catalogue", "dead-letters", "schemas"):
        module = __import__(f"streams.cli.{name.replace('-', '_')}", fromlist=[name])
        group = getattr(module, name.replace("-", "_"))
        assert isinstance(group, click.Group)
        assert {one for one in group.commands if f"`{name} {one}`" not in table} == set()
