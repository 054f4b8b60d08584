"""What a JSON Schema says of a record, by the validator of others; and records made from a schema alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from schemas.limits import MAX_BYTES, MAX_DEPTH, MAX_KEYS, MAX_STRING
from support.odd_values import ODD

Schema = Mapping[str, Any]


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    """As in ECMA 262: the end is the end, where Python lets a line break follow."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError("does not match")


_Validator: Final[Any] = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # so published


def validator_of(schema: Schema) -> Draft202012Validator:
    """The validator of a schema."""
    Draft202012Validator.check_schema(schema)
    validator: Draft202012Validator = _Validator(schema)
    return validator


def is_within_limits(value: bytes, parsed: Any) -> bool:
    """Whether a record keeps the limits that its schema can only name."""
    depth, keys, longest = _measured(parsed)
    return len(value) <= MAX_BYTES and depth <= MAX_DEPTH and keys <= MAX_KEYS and longest <= MAX_STRING


def _measured(parsed: Any) -> tuple[int, int, int]:
    """Depth, keys, and characters of the longest string or key."""
    if isinstance(parsed, str):
        return 0, 0, len(parsed)
    if not isinstance(parsed, list | dict):
        return 0, 0, 0
    names = list(parsed) if isinstance(parsed, dict) else []
    inner = [_measured(one) for one in (parsed.values() if isinstance(parsed, dict) else parsed)]
    return (
        1 + max((depth for depth, _, _ in inner), default=0),
        len(names) + sum(keys for _, keys, _ in inner),
        max([0, *map(len, names), *(longest for _, _, longest in inner)]),
    )


SOME: Final = 10
"""So many odd values that fit a pattern stand for it; to make others costs more than it shows."""


def from_schema(schema: Schema, whole: Schema | None = None) -> st.SearchStrategy[Any]:
    """Values that a schema accepts, unlikely ones as likely as others; knows the keywords that our schemas use."""
    whole = whole or schema
    if "$ref" in schema:
        return from_schema(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole)
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | st.sampled_from([_as_float(one) for one in schema["enum"]])
    if "anyOf" in schema and "type" not in schema:
        return st.one_of([from_schema(one, whole) for one in schema["anyOf"]])
    return _OF_TYPE[schema["type"]](schema, whole)


def _as_float(one: Any) -> Any:
    return float(one) if isinstance(one, int) else one


def _object(schema: Schema, whole: Schema) -> st.SearchStrategy[Any]:
    fields = {name: from_schema(rules, whole) for name, rules in schema["properties"].items()}
    required = {name: strategy for name, strategy in fields.items() if name in schema.get("required", ())}
    optional = {name: strategy for name, strategy in fields.items() if name not in required}
    names = st.text(max_size=3).filter(lambda name: name not in fields)
    others = st.dictionaries(names, st.sampled_from(ODD), max_size=2)
    return st.builds(lambda own, more: own | more, st.fixed_dictionaries(required, optional=optional), others)


def _string(schema: Schema, _: Schema) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        fits = validator_of(schema).is_valid
        known = [one for one in ODD if isinstance(one, str) and fits(one)]
        return st.sampled_from(known) if len(known) > SOME else st.from_regex(schema["pattern"].replace("$", r"\Z"))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 80)
    characters = st.characters(exclude_categories=["Cs"])
    long = st.sampled_from([least, most]).flatmap(lambda size: characters.map(lambda one: one * max(size, 1)))
    return st.text(characters, min_size=least, max_size=min(most, 30)) | long.filter(lambda text: len(text) >= least)


def _number(schema: Schema, _: Schema) -> st.SearchStrategy[Any]:
    low, high = schema["minimum"], schema["maximum"]
    return st.sampled_from([low, high]) | st.floats(low, high) | st.integers(int(low), int(high))


def _integer(schema: Schema, _: Schema) -> st.SearchStrategy[Any]:
    whole = st.integers(schema["minimum"], schema["maximum"])
    return whole | whole.map(float)


_OF_TYPE: Final[Mapping[str, Callable[[Schema, Schema], st.SearchStrategy[Any]]]] = {
    "object": _object,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": lambda _schema, _whole: st.booleans(),
    "null": lambda _schema, _whole: st.none(),
}
