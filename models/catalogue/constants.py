"""The constants of a catalogue: numbers, and those that run with the customers they are a quantile of."""

import re
from collections.abc import Mapping
from typing import Any, Final

from models.catalogue.language import is_taken
from models.catalogue.reader import Reader, shown
from models.catalogue.suggestion import did_you_mean
from models.config import Number, Running
from models.customers.distributions import DISTRIBUTIONS

HORIZON: Final = "horizon_days"
"""A constant that every catalogue has: sentences about the model's risk say for how long it is."""
_LEAST: Final = -1e12
_KEYS: Final = ("start", "quantile", "of")


def read_constants(reader: Reader, source: Mapping[str, Any]) -> tuple[dict[str, Number], dict[str, Running]]:
    """All constants by name, of those that run where they start; and those that run."""
    constants: dict[str, Number] = {}
    running: dict[str, Running] = {}
    for name, value in source.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)) or is_taken(str(name)) or name == HORIZON:
            reader.wrong(
                ("constants", str(name)), "must be lower-case letters, digits and _, and no word of the language"
            )
        if isinstance(value, Mapping):
            running[str(name)] = _running(reader, ("constants", str(name)), value)
            constants[str(name)] = running[str(name)].start
        else:
            constants[str(name)] = reader.number(("constants",), source, name, default=None, least=_LEAST)
    return constants, running


def _running(reader: Reader, path: tuple[str, ...], source: Mapping[str, Any]) -> Running:
    reader.unknown_keys(path, source, _KEYS)
    start = reader.number(path, source, "start", default=None, least=0)
    quantile = reader.number(path, source, "quantile", default=None, least=0, most=1)
    if not 0 < quantile < 1 and not any(one.path == (*path, "quantile") for one in reader.mistakes):
        reader.wrong((*path, "quantile"), f"must lie between 0 and 1, not {quantile!r}")
    of = source.get("of")
    if isinstance(of, str) and of in DISTRIBUTIONS:
        return Running(start, float(quantile), of)
    question = did_you_mean(str(of), DISTRIBUTIONS)
    known = ", ".join(DISTRIBUTIONS)
    reader.wrong((*path, "of"), f"{shown(of)} is nothing to be a quantile of. {question}Known are {known}")
    return Running(start, float(quantile), known)
