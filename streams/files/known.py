"""Whether an unknown file is of a system that the product has a mapping for, by its columns."""

from __future__ import annotations

from typing import Final

from streams.files.cells import columns_of
from streams.files.mapping import Mapping, Value, listed
from streams.files.mapping_file import builtin_names, parsed_mapping
from streams.files.mapping_text import sign_of
from streams.files.sampling import Sample

_IN_UTC: Final = frozenset({"stripe"})
"""Systems whose exports are in UTC without saying so in each time."""


def known_system(sample: Sample) -> str | None:
    """A mapping in the product that reads such columns."""
    for name in builtin_names():
        mapping = parsed_mapping(name, f"base: {name}\ncurrency: EUR\n")
        if mapping.columns is None and (mapping.format or "csv") == sample.format and _reads(mapping, sample):
            return _based_on(name, mapping, sample)
    return None


def _based_on(name: str, mapping: Mapping, sample: Sample) -> str:
    lines = [
        f"# The columns are those of {name}; `churn-signals mapping show {name}` shows how they are read.",
        f"base: {name}",
    ]
    formats = {one for rule in mapping.events for one in listed((rule.time or mapping.time).format)}
    if name not in _IN_UTC and any("%" in one and "%z" not in one for one in formats):
        lines.append("zone: UTC # whose clock the times are of, as Europe/Berlin")
    if all("currency" not in rule.data for rule in mapping.events if "amount" in rule.data) and _has_amounts(mapping):
        lines.append("currency: EUR # yours")
    if sample.encoding:
        lines.append(f"encoding: {sample.encoding} # it is not UTF-8")
    if sample.format == "csv" and sample.separator != mapping.separator:
        lines.append(f"separator: {sign_of(sample.separator)}")
    return "\n".join(lines) + "\n"


def _has_amounts(mapping: Mapping) -> bool:
    return any("amount" in rule.data for rule in mapping.events)


def _reads(mapping: Mapping, sample: Sample) -> bool:
    """Whether the sample has all that the mapping reads, less what a file may lack."""
    asked: list[tuple[str, ...]] = [_alternatives(mapping.customer_id)]
    for rule in mapping.events:
        asked.append(listed((rule.time or mapping.time).column))
        asked += [_alternatives(value) for value in rule.data.values()]
        asked += [(name,) for name in rule.when]
    known = set(sample.columns) | set(sample.lists) | {name.replace("[]", "") for name in sample.columns}
    optional = set(mapping.optional)
    return all(known & set(names) for names in asked if set(names) - optional)


def _alternatives(value: Value) -> tuple[str, ...]:
    return tuple(columns_of(value))
