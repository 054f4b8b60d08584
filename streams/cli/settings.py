"""`churn-signals settings`: what is in force, where it comes from, and what there is to set."""

from __future__ import annotations

import click
import orjson

from streams.settings import Settings, environment_settings, load_settings, shown, variable_of
from streams.text.plain import plain
from streams.text.terminal import say, say_json


@click.command(epilog="\b\nExamples:\n  churn-signals settings\n  CHURN_PARTITIONS=6 churn-signals settings --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, by variable.")
@click.option("--list", "as_list", is_flag=True, help="All names with default, meaning and allowed values.")
def settings(*, as_json: bool, as_list: bool) -> None:
    """Show the effective settings, secrets masked."""
    if as_list:
        _print_all()
        return
    values = shown(environment_settings())
    if as_json:
        by_variable = {variable_of(name): value for name, value in values.items()}
        say_json(orjson.dumps(by_variable, option=orjson.OPT_INDENT_2))
        return
    defaults = shown(load_settings({}))
    for name, value in values.items():
        origin = "" if value == defaults[name] else f"   (default: {_text(defaults[name])})"
        say(plain(f"{variable_of(name)}={_text(value)}{origin}"))


def _print_all() -> None:
    defaults = shown(load_settings({}))
    kinds, meanings = Settings.kinds(), Settings.meanings()
    for name, default in defaults.items():
        say(f"{variable_of(name)}={_text(default)}\n    {meanings[name]}; allowed: {kinds[name].allowed}")


def _text(value: str | float | bool | None) -> str:  # noqa: FBT001 - a value of whatever kind
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
