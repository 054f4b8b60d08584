"""The documents of the repository, and the tables in them that are made from the code: `make tables` writes them anew.

A table stands between two comments: `<!-- table: settings -->` and `<!-- end of table -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click
from prometheus_client import Metric

from models.customers.distributions import DISTRIBUTIONS
from models.measures.daily import ALL_FEEDS, DAILY
from models.measures.scalars import FIRST_ACTIVITY, RISK, SCALARS, STAGE
from schemas.event import FEEDS
from schemas.topics import DAY_MS, FOR_EVER, TopicSpec, topic_table
from streams.__main__ import COMMANDS, program
from streams.files.mapping_file import builtin_names, builtin_text
from streams.settings import Settings, variable_of
from support.idle import families
from support.program import ROOT

_PLACE: Final = re.compile(r"(<!-- table: ([a-z]+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)
_READS: Final = {ALL_FEEDS: "all", FIRST_ACTIVITY: "all", STAGE: "stage", RISK: "model"}


def documents() -> list[Path]:
    """Every Markdown file that is the project's own."""
    skipped = {".venv", ".cache", ".run", ".git", "build", "dist", "node_modules"}
    return sorted(path for path in ROOT.rglob("*.md") if not skipped & set(path.relative_to(ROOT).parts))


def text_of(*names: str) -> str:
    """The text of some documents."""
    return "\n".join((ROOT / name).read_text() for name in names)


def filled(text: str) -> str:
    """A document with its tables as the code has them."""
    return _PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[4]}", text)


def tables_in(text: str) -> set[str]:
    """The names of the tables of a document."""
    return {found[2] for found in _PLACE.finditer(text)}


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    lines = [head, re.sub(r"[^|]+", "---", head), *(f"| {' | '.join(cells)} |" for cells in rows)]
    return "\n".join(lines) + "\n"


def _topics() -> str:
    return _table(
        "| topic | key | content | partitions | kept |",
        (
            (f"`{one.name}`", one.key, one.content, "1" if one.partitions == 1 else "`CHURN_PARTITIONS`", _kept(one))
            for one in topic_table()
        ),
    )


def _kept(topic: TopicSpec) -> str:
    if topic.is_compacted:
        return "compacted"
    if topic.name.startswith("churn.events."):
        return "`CHURN_EVENTS_RETENTION_DAYS`"
    kept_ms = topic.retention_ms
    return "for ever" if kept_ms is None or kept_ms == FOR_EVER else f"{kept_ms // DAY_MS} days"


def _settings() -> str:
    settings, meanings = Settings(), Settings.meanings()
    return _table(
        "| setting | default | meaning |",
        ((f"`{variable_of(name)}`", _default(settings, name), meanings[name]) for name in Settings.kinds()),
    )


def _default(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if name == "session_timeout_s":
        return "`6`, static `10`"
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _metrics() -> str:
    told: dict[str, tuple[Metric, list[str]]] = {}
    for process, metric in families():
        told.setdefault(metric.name, (metric, []))[1].append(process)
    return _table(
        "| metric | kind | labels | of | meaning |",
        (
            (f"`{name}{'_total' * (metric.type == 'counter')}`", metric.type, _labels(metric), _of(processes),
             metric.documentation)
            for name, (metric, processes) in told.items()
        ),
    )  # fmt: skip


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{label}`" for label in getattr(metric, "_labelnames", ()))


def _of(processes: list[str]) -> str:
    return "all" if len(processes) == 3 else ", ".join(processes)


def _commands() -> str:
    context = click.Context(program)
    rows = []
    for name, about in COMMANDS.items():
        command = program.get_command(context, name)
        below = sorted(command.commands) if isinstance(command, click.Group) else []
        rows.append((f"`{name}`" + "".join(f", `{name} {one}`" for one in below), about))
    return _table("| command | does |", rows)


def _measures() -> str:
    windowed = [(one.name, one.feed, "windows", _about(type(one))) for one in DAILY.values()]
    windowed.append(("ticket_channels", FEEDS.index("ticket"), "windows", "Distinct channels of tickets opened."))
    plain = [(one.name, one.reads, "one value", _about(type(one))) for one in SCALARS.values()]
    return _table(
        "| measure | reads | form | meaning |",
        (
            (f"`{name}`", FEEDS[reads] if reads >= 0 else _READS[reads], form, about)
            for name, reads, form, about in (*windowed, *plain)
        ),
    )


def _about(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _mappings() -> str:
    about = {name: builtin_text(name).partition("\n")[0].removeprefix("# ").rstrip(".") for name in builtin_names()}
    return _table("| name | reads |", ((f"`{name}`", text) for name, text in about.items()))


def _distributions() -> str:
    return _table("| `of` | values |", ((f"`{one.name}`", one.meaning) for one in DISTRIBUTIONS.values()))


TABLES: Final[dict[str, Callable[[], str]]] = {
    "topics": _topics,
    "settings": _settings,
    "metrics": _metrics,
    "commands": _commands,
    "measures": _measures,
    "distributions": _distributions,
    "mappings": _mappings,
}
"""What makes each table."""
